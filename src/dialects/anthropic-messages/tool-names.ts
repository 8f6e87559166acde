import { createHash } from "node:crypto";
import type { ChatTool } from "../chat-hub/tools.ts";

/** Every name that OpenAI takes; other makers take dots, colons and more. https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools */
const PLAIN_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/** The name of a tool as Anthropic takes it: itself, where it can be. */
export function wireToolName(name: string): string {
	if (PLAIN_NAME.test(name)) {
		return name;
	}
	const digest = createHash("sha256").update(name).digest("hex").slice(0, 12);
	return `${name.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 110)}_${digest}`;
}

/** The way back: the client's name for what a model calls. */
export function clientToolNames(tools: readonly ChatTool[]): (called: string) => string {
	const changed = new Map<string, string>();
	for (const tool of tools) {
		if (tool.kind !== "vendor" && !PLAIN_NAME.test(tool.name)) {
			changed.set(wireToolName(tool.name), tool.name);
		}
	}
	return (called) => changed.get(called) ?? called;
}

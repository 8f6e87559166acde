import { createHash } from "node:crypto";

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

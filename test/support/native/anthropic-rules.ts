import { type Json, number, object, objects, text } from "../oracle/json.ts";
import { createFaults, demandKnown, type Faults, sameJson } from "./rules.ts";
import type { Saying } from "./saying.ts";

/*
 * What Anthropic's Messages API refuses: https://docs.claude.com/en/api/messages,
 * https://docs.claude.com/en/docs/build-with-claude/extended-thinking,
 * https://docs.claude.com/en/docs/agents-and-tools/tool-use/implement-tool-use
 */
const FIELDS = [
	"max_tokens",
	"messages",
	"system",
	"stop_sequences",
	"stream",
	"temperature",
	"top_k",
	"top_p",
	"tools",
	"tool_choice",
	"thinking",
	"metadata",
	"service_tier",
	"output_config",
	"output_format",
	"cache_control",
	"mcp_servers",
	"container",
	"context_management",
	"inference_geo",
	"speed",
];
const THINKING_BUDGET_MIN = 1024;
const CACHE_MARKS_MAX = 4;

/** Where Claude is asked, and how it is told to think: by a budget (until 4.5), or by adaptive thinking alone (since 4.7). */
export interface Claude {
	readonly host: "anthropic" | "vertex";
	readonly thinking: "budget" | "adaptive";
}

export function anthropicFaults(body: Json, said: readonly Saying[], { host, thinking }: Claude): string[] {
	const faults = createFaults();
	if (thinking === "adaptive") {
		// https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-7
		faults.demand(object(body.thinking).type !== "enabled", "thinking.type enabled is not supported by this model");
		for (const name of ["temperature", "top_p", "top_k"]) {
			faults.demand(body[name] === undefined, `${name} is not supported by this model`);
		}
	} else {
		faults.demand(object(body.thinking).type !== "adaptive", "adaptive thinking is not supported by this model");
	}
	if (host === "vertex") {
		demandKnown(faults, "body", body, [...FIELDS, "anthropic_version", "anthropic_beta"]);
		faults.demand(body.anthropic_version === "vertex-2023-10-16", "anthropic_version: field required");
	} else {
		demandKnown(faults, "body", body, [...FIELDS, "model"]);
		faults.demand(text(body.model) !== "", "model: field required");
	}
	faults.demand(Number.isInteger(body.max_tokens) && Number(body.max_tokens) > 0, "max_tokens: field required");
	checkThinkingWish(faults, body);
	checkTools(faults, body);
	checkMessages(faults, body, said);
	const marks = JSON.stringify(body).match(/"cache_control":\{/g)?.length ?? 0;
	faults.demand(marks <= CACHE_MARKS_MAX, `a maximum of 4 blocks with cache_control may be provided, found ${marks}`);
	return faults.list();
}

function thinks(body: Json): boolean {
	const { type } = object(body.thinking);
	return type === "enabled" || type === "adaptive";
}

function checkThinkingWish(faults: Faults, body: Json): void {
	const { type, budget_tokens: budget } = object(body.thinking);
	if (type === "enabled") {
		faults.demand(Number(budget) >= THINKING_BUDGET_MIN, "thinking.budget_tokens: must be at least 1024");
		faults.demand(Number(body.max_tokens) > Number(budget), "max_tokens must be greater than thinking.budget_tokens");
	}
	if (thinks(body)) {
		faults.demand((number(body.temperature) ?? 1) === 1, "temperature may only be 1 when thinking is enabled");
		faults.demand(body.top_k === undefined, "top_k must be unset when thinking is enabled");
		const forced = ["any", "tool"].includes(text(object(body.tool_choice).type));
		faults.demand(!forced, "thinking may not be enabled when tool_choice forces tool use");
	}
}

function checkTools(faults: Faults, body: Json): void {
	for (const tool of objects(body.tools)) {
		faults.demand(/^[a-zA-Z0-9_-]{1,128}$/.test(text(tool.name)), "tools.name: invalid");
		if (tool.type === undefined || tool.type === "custom") {
			faults.demand(object(tool.input_schema).type === "object", "tools.input_schema.type: field required");
		}
	}
	faults.demand(body.tool_choice === undefined || objects(body.tools).length > 0, "tool_choice without tools");
}

function checkMessages(faults: Faults, body: Json, said: readonly Saying[]): void {
	const messages = objects(body.messages);
	faults.demand(messages.length > 0 && messages[0]?.role === "user", "messages: first message must use the user role");
	faults.demand(messages.at(-1)?.role === "user", "this model does not take the beginning of its answer");
	for (const [index, message] of messages.entries()) {
		const where = `messages.${index}`;
		faults.demand(message.role === "user" || message.role === "assistant", `${where}.role: unknown`);
		faults.demand(message.role !== messages[index - 1]?.role, `${where}: roles must alternate`);
		const blocks = blocksOf(message);
		faults.demand(blocks.length > 0, `${where}: content must not be empty`);
		for (const block of blocks) {
			checkBlock(faults, block, where);
		}
		if (message.role === "assistant") {
			checkAssistant(faults, blocks, blocksOf(messages[index + 1] ?? {}), where);
		}
		checkResults(faults, blocks, blocksOf(messages[index - 1] ?? {}), where);
	}
	checkThinkingReturned(faults, body, messages, said);
}

function blocksOf(message: Json): Json[] {
	return typeof message.content === "string" ? [{ type: "text", text: message.content }] : objects(message.content);
}

function checkBlock(faults: Faults, block: Json, where: string): void {
	switch (block.type) {
		case "text":
			faults.demand(text(block.text).trim() !== "", `${where}: text content blocks must contain non-whitespace text`);
			break;
		case "image":
		case "document": {
			const source = object(block.source);
			const isData = source.type !== "base64" || (text(source.data) !== "" && text(source.media_type) !== "");
			faults.demand(isData, `${where}: source.data: field required`);
			break;
		}
		case "tool_use":
			faults.demand(/^[a-zA-Z0-9_-]+$/.test(text(block.id)), `${where}: tool_use.id: invalid`);
			faults.demand(block.input === object(block.input), `${where}: tool_use.input: should be an object`);
			break;
		case "tool_result":
		case "thinking":
		case "redacted_thinking":
			break;
		default:
			faults.demand(false, `${where}: unknown block type ${String(block.type)}`);
	}
}

function checkAssistant(faults: Faults, blocks: readonly Json[], next: readonly Json[], where: string): void {
	const used = blocks.filter((block) => block.type === "tool_use").map(({ id }) => id);
	const answered = next.filter((block) => block.type === "tool_result").map((block) => block.tool_use_id);
	for (const id of used) {
		faults.demand(
			answered.includes(id),
			`${where}: tool_use ids were found without tool_result blocks immediately after: ${String(id)}`,
		);
	}
	faults.demand(new Set(used).size === used.length, `${where}: tool_use ids must be unique`);
	const thinking = blocks.findLastIndex(({ type }) => type === "thinking" || type === "redacted_thinking");
	const other = blocks.findIndex(({ type }) => type === "text" || type === "tool_use");
	faults.demand(thinking < 0 || other < 0 || thinking < other, `${where}: thinking must come first`);
}

function checkResults(faults: Faults, blocks: readonly Json[], before: readonly Json[], where: string): void {
	const results = blocks.filter((block) => block.type === "tool_result");
	for (const result of results) {
		const isKnown = before.some((block) => block.type === "tool_use" && block.id === result.tool_use_id);
		faults.demand(isKnown, `${where}: unexpected tool_use_id in tool_result blocks: ${String(result.tool_use_id)}`);
	}
	const isFirst = blocks.slice(0, results.length).every((block) => block.type === "tool_result");
	faults.demand(isFirst, `${where}: tool_result blocks must come first`);
}

/**
 * In a tool loop the thinking that led to the calls comes back, to the letter.
 * https://docs.claude.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks
 */
function checkThinkingReturned(faults: Faults, body: Json, messages: readonly Json[], said: readonly Saying[]): void {
	const sealed = said.flatMap(({ thinking }) => (thinking === undefined ? [] : [thinking]));
	for (const block of messages.flatMap(blocksOf)) {
		if (block.type === "thinking") {
			const isOwn = sealed.some((one) => one.text === block.thinking && one.seal === block.signature);
			faults.demand(isOwn, "invalid signature in thinking block");
		}
	}
	// Adaptive thinking does not mind.
	if (object(body.thinking).type !== "enabled") {
		return;
	}
	// Only the turn that waits for its results is held to it: what a question has ended is history.
	const waiting = blocksOf(messages.at(-1) ?? {}).some(({ type }) => type === "tool_result");
	const last = waiting ? blocksOf(messages.at(-2) ?? {}) : [];
	for (const { thinking, toolCalls = [] } of said) {
		const isOwn = last.some((block) => block.type === "tool_use" && block.id === toolCalls[0]?.id);
		if (isOwn && thinking !== undefined) {
			const expected = { type: "thinking", thinking: thinking.text, signature: thinking.seal };
			faults.demand(
				sameJson(last[0], expected),
				"expected thinking or redacted_thinking, but found something else: a final assistant message must start with a thinking block",
			);
		}
	}
}

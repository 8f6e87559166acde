import { type Json, object, objects, text } from "../oracle/json.ts";
import { createFaults, demandKnown, type Faults, sameJson } from "./rules.ts";
import type { Saying } from "./saying.ts";

/*
 * What Bedrock's Converse refuses: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
const FIELDS = [
	"messages",
	"system",
	"inferenceConfig",
	"toolConfig",
	"guardrailConfig",
	"additionalModelRequestFields",
	"additionalModelResponseFieldPaths",
	"promptVariables",
	"requestMetadata",
	"performanceConfig",
	"serviceTier",
	"outputConfig",
];
const BLOCK_KINDS = [
	"text",
	"image",
	"document",
	"video",
	"audio",
	"toolUse",
	"toolResult",
	"guardContent",
	"cachePoint",
	"reasoningContent",
	"citationsContent",
	"searchResult",
];

export function bedrockFaults(body: Json, said: readonly Saying[]): string[] {
	const faults = createFaults();
	demandKnown(faults, "body", body, FIELDS);
	demandKnown(faults, "inferenceConfig", object(body.inferenceConfig), [
		"maxTokens",
		"temperature",
		"topP",
		"stopSequences",
	]);
	const messages = objects(body.messages);
	faults.demand(messages.length > 0 && messages[0]?.role === "user", "a conversation must start with a user message");
	faults.demand(messages.at(-1)?.role === "user", "a conversation must end with a user message");
	for (const [index, message] of messages.entries()) {
		const where = `messages.${index}`;
		faults.demand(message.role === "user" || message.role === "assistant", `${where}.role: unknown`);
		faults.demand(
			message.role !== messages[index - 1]?.role,
			`${where}: roles must alternate between user and assistant`,
		);
		const blocks = objects(message.content);
		faults.demand(blocks.length > 0, `${where}: the content field is empty`);
		for (const block of blocks) {
			checkBlock(faults, block, where, blocks);
		}
		checkUses(faults, blocks, objects(messages[index + 1]?.content), where);
		checkResults(faults, blocks, objects(messages[index - 1]?.content), where);
	}
	checkTools(faults, body, messages);
	checkReasoning(faults, body, messages, said);
	return faults.list();
}

function checkBlock(faults: Faults, block: Json, where: string, siblings: readonly Json[]): void {
	const kinds = Object.keys(block);
	faults.demand(kinds.length === 1 && BLOCK_KINDS.includes(kinds[0] ?? ""), `${where}: a block is one of its kinds`);
	if ("text" in block) {
		faults.demand(text(block.text).trim() !== "", `${where}: the text field in the ContentBlock object is blank`);
	}
	if ("image" in block) {
		const { format, source } = object(block.image);
		faults.demand(["png", "jpeg", "gif", "webp"].includes(text(format)), `${where}: image.format: invalid`);
		faults.demand(text(object(source).bytes) !== "", `${where}: image.source: required`);
	}
	if ("document" in block) {
		const { name, source } = object(block.document);
		faults.demand(/^[a-zA-Z0-9\s\-()[\]]{1,200}$/.test(text(name)), `${where}: document.name: invalid`);
		faults.demand(!/\s{2}/.test(text(name)), `${where}: document.name: no two blanks in a row`);
		faults.demand(text(object(source).bytes) !== "", `${where}: document.source: required`);
		faults.demand(
			siblings.some((sibling) => "text" in sibling),
			`${where}: a text block is required with documents`,
		);
	}
}

function checkUses(faults: Faults, blocks: readonly Json[], next: readonly Json[], where: string): void {
	const used = blocks.filter((block) => "toolUse" in block).map((block) => object(block.toolUse));
	const answered = next.filter((block) => "toolResult" in block).map((block) => object(block.toolResult).toolUseId);
	for (const { toolUseId, input } of used) {
		faults.demand(/^[a-zA-Z0-9_-]{1,64}$/.test(text(toolUseId)), `${where}: toolUseId: invalid`);
		faults.demand(input === object(input), `${where}: toolUse.input: must be an object`);
		faults.demand(answered.includes(toolUseId), `${where}: expected toolResult blocks for ${String(toolUseId)}`);
	}
	faults.demand(answered.length <= used.length, `${where}: more toolResult than toolUse blocks`);
}

function checkResults(faults: Faults, blocks: readonly Json[], before: readonly Json[], where: string): void {
	for (const block of blocks.filter((entry) => "toolResult" in entry)) {
		const { toolUseId, content } = object(block.toolResult);
		const isKnown = before.some((entry) => object(entry.toolUse).toolUseId === toolUseId);
		faults.demand(isKnown, `${where}: toolResult of an unknown toolUseId ${String(toolUseId)}`);
		faults.demand(Array.isArray(content), `${where}: toolResult.content: required`);
	}
}

function checkTools(faults: Faults, body: Json, messages: readonly Json[]): void {
	const tools = objects(object(body.toolConfig).tools);
	const usesTools = messages.some((message) =>
		objects(message.content).some((block) => "toolUse" in block || "toolResult" in block),
	);
	faults.demand(
		!usesTools || tools.length > 0,
		"the toolConfig field must be defined when using toolUse and toolResult",
	);
	faults.demand(body.toolConfig === undefined || tools.length > 0, "toolConfig.tools: at least one");
	for (const { toolSpec } of tools.filter((tool) => "toolSpec" in tool)) {
		const { name, description, inputSchema } = object(toolSpec);
		faults.demand(/^[a-zA-Z0-9_-]{1,64}$/.test(text(name)), "toolSpec.name: invalid");
		faults.demand(
			description === undefined || text(description) !== "",
			"toolSpec.description: at least one character",
		);
		faults.demand(object(object(inputSchema).json).type === "object", "toolSpec.inputSchema.json.type: must be object");
	}
}

/** Claude's rules for its thinking hold here as well. */
function checkReasoning(faults: Faults, body: Json, messages: readonly Json[], said: readonly Saying[]): void {
	const more = object(body.additionalModelRequestFields);
	const thinking = object(more.thinking ?? more.reasoning_config);
	const { maxTokens, temperature } = object(body.inferenceConfig);
	const thinks = thinking.type === "enabled" || thinking.type === "adaptive";
	if (thinking.type === "enabled") {
		faults.demand(Number(thinking.budget_tokens) >= 1024, "thinking.budget_tokens: must be at least 1024");
		faults.demand(Number(maxTokens) > Number(thinking.budget_tokens), "maxTokens must be greater than budget_tokens");
	}
	faults.demand(!thinks || temperature === undefined || temperature === 1, "temperature may only be 1 when thinking");
	// Only the turn that waits for its results is held to it: what a question has ended is history.
	const waiting = objects(messages.at(-1)?.content).some((block) => "toolResult" in block);
	const last = waiting ? objects(messages.at(-2)?.content) : [];
	for (const { thinking: thought, toolCalls = [] } of said) {
		const isOwn = last.some((block) => object(block.toolUse).toolUseId === toolCalls[0]?.id);
		if (thinks && isOwn && toolCalls.length > 0 && thought !== undefined) {
			const expected = { reasoningContent: { reasoningText: { text: thought.text, signature: thought.seal } } };
			faults.demand(sameJson(last[0], expected), "the turn must start with its reasoningContent, unchanged");
		}
	}
}

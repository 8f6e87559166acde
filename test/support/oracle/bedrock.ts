import type { AwsFrame } from "./aws-frames.ts";
import { type Json, number, object, objects, parseJson, text } from "./json.ts";
import { closeCall, type OpenCall, type OracleAnswer, type OracleUsage } from "./types.ts";

/** `stopReason` by the table. */
const FINISH: Readonly<Record<string, string>> = {
	end_turn: "stop",
	stop_sequence: "stop",
	max_tokens: "length",
	model_context_window_exceeded: "length",
	tool_use: "tool_calls",
	refusal: "content_filter",
	guardrail_intervened: "content_filter",
	content_filtered: "content_filter",
};

interface Collected {
	text: string;
	reasoning: string;
	readonly calls: OpenCall[];
	/** By content block, since signatures come in pieces too. */
	readonly seals: Map<unknown, string>;
}

export function wholeBedrock(body: string): OracleAnswer {
	const answer = parseJson(body);
	const collected = nothing();
	for (const [index, block] of objects(object(object(answer.output).message).content).entries()) {
		const use = block.toolUse === undefined ? undefined : object(block.toolUse);
		if (use !== undefined) {
			collected.calls.push({
				id: text(use.toolUseId),
				name: text(use.name),
				arguments: JSON.stringify(use.input ?? {}),
			});
		}
		const thinking = object(block.reasoningContent);
		addText(collected, block);
		addReasoning(collected, index, { ...object(thinking.reasoningText), redactedContent: thinking.redactedContent });
	}
	return answerOf(collected, text(answer.stopReason), object(answer.usage));
}

export function streamedBedrock(frames: readonly AwsFrame[]): OracleAnswer {
	const collected = nothing();
	const open = new Map<unknown, OpenCall>();
	let stopReason = "";
	let usage: Json = {};
	for (const { headers, payload } of frames) {
		const event = parseJson(payload);
		const use = object(object(event.start).toolUse);
		const delta = object(event.delta);
		switch (headers[":event-type"]) {
			case "contentBlockStart":
				if (text(use.name) !== "") {
					const call = { id: text(use.toolUseId), name: text(use.name), arguments: "" };
					collected.calls.push(call);
					open.set(event.contentBlockIndex, call);
				}
				break;
			case "contentBlockDelta": {
				const call = open.get(event.contentBlockIndex);
				if (call !== undefined) {
					call.arguments += text(object(delta.toolUse).input);
				}
				addText(collected, delta);
				addReasoning(collected, event.contentBlockIndex, object(delta.reasoningContent));
				break;
			}
			case "messageStop":
				stopReason = text(event.stopReason);
				break;
			case "metadata":
				usage = object(event.usage);
				break;
			default:
				break;
		}
	}
	return answerOf(collected, stopReason, usage);
}

function nothing(): Collected {
	return { text: "", reasoning: "", calls: [], seals: new Map() };
}

function addText(collected: Collected, block: Json): void {
	const cited = objects(object(block.citationsContent).content).map((entry) => text(entry.text));
	collected.text += text(block.text) + cited.join("");
}

function addReasoning(collected: Collected, index: unknown, reasoning: Json): void {
	collected.reasoning += text(reasoning.text);
	const seal = text(reasoning.signature) || text(reasoning.redactedContent);
	if (seal !== "") {
		collected.seals.set(index, (collected.seals.get(index) ?? "") + seal);
	}
}

function answerOf(collected: Collected, stopReason: string, usage: Json): OracleAnswer {
	return {
		text: collected.text,
		toolCalls: collected.calls.map(closeCall),
		finishReason: FINISH[stopReason],
		usage: usageOf(usage),
		reasoning: collected.reasoning,
		seals: [...collected.seals.values()],
		id: undefined,
	};
}

function usageOf(usage: Json): OracleUsage | undefined {
	const input = number(usage.inputTokens);
	const output = number(usage.outputTokens);
	if (input === undefined || output === undefined) {
		return undefined;
	}
	const read = number(usage.cacheReadInputTokens);
	const written = number(usage.cacheWriteInputTokens);
	return {
		prompt: [input + (read ?? 0) + (written ?? 0)],
		completion: output,
		cached: read,
		cacheWrite: written,
		reasoning: undefined,
		searches: undefined,
	};
}

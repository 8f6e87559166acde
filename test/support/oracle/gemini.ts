import { type Json, number, object, objects, parseJson, text } from "./json.ts";
import type { OracleAnswer, OracleToolCall, OracleUsage } from "./types.ts";

const FILTERED = new Set(["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"]);

/** A function call while its pieces come in. */
interface OpenFunction {
	readonly id: string | undefined;
	readonly name: string;
	readonly arguments: Record<string, unknown>;
}

export function wholeGemini(body: string): OracleAnswer {
	return answerOf([parseJson(body)]);
}

export function streamedGemini(data: readonly string[]): OracleAnswer {
	return answerOf(data.map(parseJson));
}

/** A stream is a list of whole answers whose parts follow each other; counts are cumulative. */
function answerOf(answers: readonly Json[]): OracleAnswer {
	const candidates = answers.flatMap((answer) => objects(answer.candidates).slice(0, 1));
	const parts = candidates.flatMap((candidate) => objects(object(candidate.content).parts));
	const calls = callsOf(parts);
	const reason = candidates.map((candidate) => text(candidate.finishReason)).findLast(Boolean) ?? "";
	const blocked = answers.some((answer) => text(object(answer.promptFeedback).blockReason) !== "");
	const usage: Json = Object.assign({}, ...answers.map((answer) => object(answer.usageMetadata)));
	return {
		text: textOf(parts, false),
		toolCalls: calls,
		finishReason: finishOf(reason, blocked, calls.length > 0),
		usage: usageOf(usage),
		reasoning: textOf(parts, true),
		seals: parts.map((part) => text(part.thoughtSignature)).filter(Boolean),
		id: answers.map((answer) => text(answer.responseId)).find(Boolean),
	};
}

function textOf(parts: readonly Json[], thought: boolean): string {
	return parts
		.filter((part) => (part.thought === true) === thought)
		.map((part) => text(part.text))
		.join("");
}

function finishOf(reason: string, blocked: boolean, called: boolean): string | undefined {
	if (blocked || FILTERED.has(reason)) {
		return "content_filter";
	}
	if (reason === "MAX_TOKENS") {
		return "length";
	}
	if (reason === "STOP") {
		return called ? "tool_calls" : "stop";
	}
	return undefined;
}

/**
 * A named call begins; one without a name goes on with the last (`partialArgs`, arguments streamed by their path).
 * https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Content#FunctionCall
 */
function callsOf(parts: readonly Json[]): OracleToolCall[] {
	const calls: OpenFunction[] = [];
	for (const part of parts.filter((entry) => entry.functionCall !== undefined)) {
		const call = object(part.functionCall);
		if (text(call.name) !== "") {
			calls.push({ id: text(call.id) || undefined, name: text(call.name), arguments: {} });
		}
		const open = calls.at(-1);
		if (open !== undefined) {
			Object.assign(open.arguments, object(call.args));
			for (const piece of objects(call.partialArgs)) {
				addPiece(open.arguments, piece);
			}
		}
	}
	return calls;
}

function addPiece(target: Record<string, unknown>, piece: Json): void {
	const path = [...text(piece.jsonPath).matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']+)'\]/g)].map(
		([, name, position, quoted]) => name ?? quoted ?? Number(position),
	);
	let holder: Record<string | number, unknown> = target;
	for (const [depth, step] of path.slice(0, -1).entries()) {
		holder[step] ??= typeof path[depth + 1] === "number" ? [] : {};
		// Made just above, or by an earlier piece of the same path.
		holder = holder[step] as Record<string | number, unknown>;
	}
	const last = path.at(-1);
	if (last !== undefined) {
		const before = holder[last];
		const value = "stringValue" in piece ? piece.stringValue : (piece.numberValue ?? piece.boolValue ?? null);
		holder[last] = typeof before === "string" && typeof value === "string" ? before + value : value;
	}
}

function usageOf(usage: Json): OracleUsage | undefined {
	const prompt = number(usage.promptTokenCount);
	if (prompt === undefined) {
		return undefined;
	}
	const thoughts = number(usage.thoughtsTokenCount);
	return {
		prompt: [prompt, prompt + (number(usage.toolUsePromptTokenCount) ?? 0)],
		completion: (number(usage.candidatesTokenCount) ?? 0) + (thoughts ?? 0),
		cached: number(usage.cachedContentTokenCount),
		cacheWrite: undefined,
		reasoning: thoughts,
		searches: undefined,
	};
}

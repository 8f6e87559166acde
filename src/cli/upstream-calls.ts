import { isJsonObject, type JsonValue } from "../lib/json-types.ts";
import { type NanoUsd, parseUsd } from "../lib/money.ts";
import { CommandFailure } from "./failures.ts";
import { readLines } from "./read-lines.ts";

/** One call as the upstream counted it. */
export interface UpstreamCall {
	readonly prompt: number;
	readonly completion: number;
	/** undefined: the upstream names no price. */
	readonly costNano: NanoUsd | undefined;
}

const LINE_CHARACTERS_MAX = 1_048_576;

/**
 * Reads `{"request_id", "prompt_tokens", "completion_tokens"?, "cost_usd"?}`, one call a line, other fields left alone.
 * @throws CommandFailure naming the line that is not one.
 */
export async function readUpstreamCalls(path: string): Promise<ReadonlyMap<string, readonly UpstreamCall[]>> {
	const file = Bun.file(path);
	if (!(await file.exists())) {
		throw new CommandFailure(`there is no file ${path}.`);
	}
	const calls = new Map<string, UpstreamCall[]>();
	let number = 0;
	for await (const line of readLines(file.stream(), { charactersMax: LINE_CHARACTERS_MAX })) {
		number += 1;
		if (line?.trim() === "") {
			continue;
		}
		const read = line === undefined ? "is too long" : readCall(line);
		if (typeof read === "string") {
			throw new CommandFailure(`${path}:${number} ${read}.`);
		}
		calls.set(read.requestId, [...(calls.get(read.requestId) ?? []), read.call]);
	}
	return calls;
}

/** The call of a line, or what is wrong with it. */
function readCall(line: string): { readonly requestId: string; readonly call: UpstreamCall } | string {
	let value: unknown;
	try {
		value = JSON.parse(line);
	} catch {
		// The place of the mistake is told; what stands there instead is for its author to see.
		return "is not JSON";
	}
	if (!isJsonObject(value)) {
		return "is not a JSON object";
	}
	const { request_id, prompt_tokens, completion_tokens = 0, cost_usd } = value;
	if (typeof request_id !== "string" || request_id === "") {
		return "needs request_id: the X-Request-Id that the gateway sent";
	}
	if (!isCount(prompt_tokens) || !isCount(completion_tokens)) {
		return "needs prompt_tokens and completion_tokens as whole numbers from 0";
	}
	const costNano = typeof cost_usd === "string" || typeof cost_usd === "number" ? parseUsd(cost_usd) : undefined;
	if (cost_usd !== undefined && cost_usd !== null && costNano === undefined) {
		return "needs cost_usd as an amount of dollars, or none";
	}
	return { requestId: request_id, call: { prompt: prompt_tokens, completion: completion_tokens, costNano } };
}

function isCount(value: JsonValue | undefined): value is number {
	return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

import { expect } from "bun:test";
import { type SchemaName, schemaFaults } from "./openai-schema.ts";
import type { OracleAnswer, OracleUsage } from "./oracle/types.ts";
import type { ClientAnswer, Usage } from "./sdk-client.ts";

/** Holds what a client got against what the provider said: the same in meaning, in OpenAI's words. */
export function expectFaithful(got: ClientAnswer, said: OracleAnswer): void {
	expect(new Set(got.ids).size).toBe(1);
	expect(got.ids[0] ?? "").toBe(said.id ?? got.ids[0] ?? "");
	expect(got.ids[0]).toBeTruthy();
	expect(got.text).toBe(said.text);
	expect(got.toolCalls.map((call) => ({ name: call.name, arguments: parsed(call.arguments) }))).toEqual(
		said.toolCalls.map((call) => ({ name: call.name, arguments: call.arguments })),
	);
	const ids = got.toolCalls.map(({ id }) => id);
	expect(ids).toEqual(said.toolCalls.map((call, index) => call.id ?? ids[index] ?? ""));
	expect(new Set(ids.filter(Boolean)).size).toBe(said.toolCalls.length);
	expect(got.finishReasons).toEqual([said.finishReason ?? got.finishReasons[0] ?? "missing"]);
	expect(got.reasoning).toBe(said.reasoning);
	if (said.usage !== undefined) {
		expectUsage(got.usage, said.usage);
	}
}

/** Arguments that are no JSON were cut short: a client gets what there was. */
function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

function expectUsage(got: Usage | undefined, said: OracleUsage): void {
	const read = got?.prompt_tokens_details;
	const expected = {
		prompt: said.prompt.includes(got?.prompt_tokens ?? -1) ? got?.prompt_tokens : said.prompt[0],
		completion: said.completion,
		total: (got?.prompt_tokens ?? 0) + said.completion,
		cached: said.cached ?? 0,
		cacheWrite: said.cacheWrite ?? 0,
		reasoning: said.reasoning ?? got?.completion_tokens_details?.reasoning_tokens,
		searches: said.searches ?? got?.server_tool_use?.web_search_requests ?? 0,
	};
	expect({
		prompt: got?.prompt_tokens,
		completion: got?.completion_tokens,
		total: got?.total_tokens,
		cached: read?.cached_tokens ?? 0,
		cacheWrite: (read?.cache_write_tokens ?? 0) + (read?.cache_write_1h_tokens ?? 0),
		reasoning: got?.completion_tokens_details?.reasoning_tokens,
		searches: got?.server_tool_use?.web_search_requests ?? 0,
	}).toEqual(expected);
}

/** Every value is valid by OpenAI's own document. */
export function expectValid(name: SchemaName, values: readonly unknown[]): void {
	expect(values.flatMap((value) => schemaFaults(name, value))).toEqual([]);
}

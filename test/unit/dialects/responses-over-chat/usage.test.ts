import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { responseUsage } from "../../../../src/dialects/responses-over-chat/usage.ts";
import { readTokenUsage } from "../../../../src/dialects/token-usage.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";

describe("usage", () => {
	test("in OpenAI's words", () => {
		expect(
			responseUsage({
				prompt_tokens: 10,
				completion_tokens: 5,
				total_tokens: 15,
				prompt_tokens_details: { cached_tokens: 4, audio_tokens: null },
				completion_tokens_details: { reasoning_tokens: 2 },
			}),
		).toEqual({
			input_tokens: 10,
			input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
			output_tokens: 5,
			output_tokens_details: { reasoning_tokens: 2 },
			total_tokens: 15,
		});
	});

	test("keeps what is counted besides", () => {
		const usage = { prompt_tokens: 1, completion_tokens: 1, cost: 0.5, server_tool_use: { web_search_requests: 2 } };
		expect(responseUsage(usage)).toMatchObject({ cost: 0.5, server_tool_use: { web_search_requests: 2 } });
	});

	test.each([undefined, null, {}, { prompt_tokens: 1 }, { prompt_tokens: -1, completion_tokens: 2 }, "x"])(
		"%j is no count",
		(usage) => {
			expect(responseUsage(usage as JsonObject)).toBeUndefined();
		},
	);

	test("is read into the same buckets as the chat's own", () => {
		const count = fc.nat({ max: 1_000 });
		const maybe = fc.option(count, { nil: undefined });
		const usage = fc.record({
			prompt_tokens: fc.integer({ min: 500, max: 5_000 }),
			completion_tokens: fc.integer({ min: 0, max: 5_000 }),
			total_tokens: fc.option(fc.nat({ max: 20_000 }), { nil: undefined }),
			prompt_tokens_details: fc.option(
				fc.record({
					cached_tokens: maybe,
					cache_write_tokens: maybe,
					cache_write_1h_tokens: maybe,
					audio_tokens: maybe,
					image_tokens: maybe,
				}),
				{ nil: undefined },
			),
			completion_tokens_details: fc.option(fc.record({ reasoning_tokens: maybe }), { nil: undefined }),
			prompt_cache_hit_tokens: maybe,
			cached_tokens: maybe,
			num_cached_tokens: maybe,
			cache_creation_input_tokens: maybe,
			server_tool_use: fc.option(fc.record({ web_search_requests: maybe }), { nil: undefined }),
		});
		fc.assert(
			fc.property(usage, (given) => {
				expect(readTokenUsage(responseUsage(given as JsonObject))).toEqual(readTokenUsage(given as JsonObject));
			}),
			{ numRuns: 500 },
		);
	});
});

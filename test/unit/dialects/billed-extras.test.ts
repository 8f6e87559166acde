import { describe, expect, test } from "bun:test";
import { billedExtras, providerTools } from "../../../src/dialects/billed-extras.ts";
import type { JsonObject } from "../../../src/lib/json-types.ts";

function extras(json: JsonObject) {
	return billedExtras({ kind: "json", text: JSON.stringify(json), json });
}

describe("what a request may be billed for beside its words", () => {
	test("nothing, usually", () => {
		expect(extras({ messages: [{ role: "user", content: 'wait "1h"' }] })).toEqual({
			cachesForAnHour: false,
			searchesMax: 0,
		});
	});

	test("a cache for an hour, wherever the mark is", () => {
		const mark = { type: "ephemeral", ttl: "1h" };
		const part = { type: "text", text: "long", cache_control: mark };
		expect(extras({ messages: [{ role: "user", content: [part] }] }).cachesForAnHour).toBe(true);
		expect(extras({ tools: [{ type: "function", cache_control: mark }] }).cachesForAnHour).toBe(true);
		expect(extras({ messages: [{ cache_control: { type: "ephemeral", ttl: "5m" } }] }).cachesForAnHour).toBe(false);
	});

	test.each<[string, JsonObject, number]>([
		["OpenAI's option", { web_search_options: {} }, 10],
		["Anthropic's tool, bounded", { tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }] }, 3],
		["Anthropic's tool, forbidden", { tools: [{ type: "web_search_20250305", max_uses: 0 }] }, 0],
		["Responses' tool", { tools: [{ type: "web_search_preview" }] }, 10],
		["Responses' tool with a bound on all tools", { tools: [{ type: "web_search" }], max_tool_calls: 2 }, 2],
		["Gemini's tool", { tools: [{ googleSearch: {} }] }, 10],
		["OpenRouter's plugin", { plugins: [{ id: "web", max_results: 5 }] }, 1],
		["a function of the client's own", { tools: [{ type: "function", function: { name: "web_search" } }] }, 0],
		["nonsense", { tools: "web_search", plugins: [1], web_search_options: null }, 0],
	])("searches: %s", (_name, json, searchesMax) => {
		expect(extras(json).searchesMax).toBe(searchesMax);
	});
});

test("tools of a provider's own are told from functions of the client", () => {
	const json: JsonObject = {
		web_search_options: {},
		tools: [
			{ type: "function", function: { name: "bash_20250124" } },
			{ type: "custom", custom: { name: "x" } },
			{ type: "bash_20250124", name: "bash" },
			{ googleSearch: {} },
			{},
			"nonsense",
		],
	};
	expect(providerTools(json)).toEqual(["web_search", "bash_20250124", "googleSearch"]);
	expect(providerTools({ tools: null })).toEqual([]);
});

import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { chatOf, refusalOf, translate } from "./rig.ts";

const F = { type: "function", name: "f", description: "d", parameters: { type: "object" }, strict: true };
const G = { type: "function", name: "g", parameters: { type: "object" } };
const NESTED_F = {
	type: "function",
	function: { name: "f", description: "d", parameters: { type: "object" }, strict: true },
};
const NESTED_G = { type: "function", function: { name: "g", parameters: { type: "object" } } };
const SEARCH = { type: "web_search" };

function toolFields(request: JsonObject): JsonObject {
	const { model: _, messages: __, ...body } = chatOf(request);
	return body;
}

describe("tools of a Responses request", () => {
	const MAPPED: readonly [string, JsonObject, JsonObject][] = [
		["functions are nested", { tools: [F, G] }, { tools: [NESTED_F, NESTED_G] }],
		["nothing is made of null", { tools: [{ ...G, description: null, strict: null }] }, { tools: [NESTED_G] }],
		["what is nested stays", { tools: [NESTED_F] }, { tools: [NESTED_F] }],
		[
			"cache marks",
			{ tools: [{ ...G, cache_control: { type: "ephemeral" } }] },
			{ tools: [{ ...NESTED_G, cache_control: { type: "ephemeral" } }] },
		],
		[
			"free text",
			{ tools: [{ type: "custom", name: "c", description: "d", format: { type: "text" } }] },
			{ tools: [{ type: "custom", custom: { name: "c", description: "d", format: { type: "text" } } }] },
		],
		[
			"a grammar",
			{ tools: [{ type: "custom", name: "c", format: { type: "grammar", syntax: "lark", definition: "start: x" } }] },
			{
				tools: [
					{
						type: "custom",
						custom: { name: "c", format: { type: "grammar", grammar: { syntax: "lark", definition: "start: x" } } },
					},
				],
			},
		],
		[
			"a vendor's own",
			{ tools: [{ type: "web_search_20250305", max_uses: 2 }] },
			{ tools: [{ type: "web_search_20250305", max_uses: 2 }] },
		],
		["search", { tools: [SEARCH] }, { web_search_options: {} }],
		[
			"search near by",
			{
				tools: [
					{
						type: "web_search_preview_2025_03_11",
						search_context_size: "low",
						user_location: { type: "approximate", country: "DE", city: null },
						filters: { allowed_domains: [] },
					},
				],
			},
			{
				web_search_options: {
					search_context_size: "low",
					user_location: { type: "approximate", approximate: { country: "DE" } },
				},
			},
		],
		["choice auto", { tools: [G], tool_choice: "auto" }, { tools: [NESTED_G], tool_choice: "auto" }],
		["choice required", { tools: [G], tool_choice: "required" }, { tools: [NESTED_G], tool_choice: "required" }],
		["choice none", { tools: [G, SEARCH], tool_choice: "none" }, { tools: [NESTED_G], tool_choice: "none" }],
		[
			"choice of a function",
			{ tools: [F, G], tool_choice: { type: "function", name: "g" } },
			{ tools: [NESTED_F, NESTED_G], tool_choice: { type: "function", function: { name: "g" } } },
		],
		[
			"choice of a custom tool",
			{ tools: [{ type: "custom", name: "c" }], tool_choice: { type: "custom", name: "c" } },
			{ tools: [{ type: "custom", custom: { name: "c" } }], tool_choice: { type: "custom", custom: { name: "c" } } },
		],
		[
			"only what is allowed is declared",
			{
				tools: [F, G, SEARCH],
				tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "g" }] },
			},
			{ tools: [NESTED_G], tool_choice: "required" },
		],
		[
			"search among what is allowed",
			{ tools: [F, SEARCH], tool_choice: { type: "allowed_tools", tools: [{ type: "web_search" }] } },
			{ web_search_options: {} },
		],
		["parallel calls", { tools: [G], parallel_tool_calls: false }, { tools: [NESTED_G], parallel_tool_calls: false }],
		["no choice without tools", { tools: [], tool_choice: "auto", parallel_tool_calls: true }, {}],
	];
	test.each(MAPPED)("%s", (_, request, expected) => {
		expect(toolFields(request)).toEqual(expected);
		expect(translate(request).dropped).toEqual([]);
	});

	const DROPPED: readonly [JsonObject, string[]][] = [
		[{ tools: [{ ...G, defer_loading: true, output_schema: {} }] }, ["tools[].defer_loading", "tools[].output_schema"]],
		[{ tools: [{ ...SEARCH, search_content_types: ["text"] }] }, ["tools[].search_content_types"]],
		[{ tools: [G, SEARCH], tool_choice: { type: "web_search_preview" } }, ["tool_choice"]],
		[{ tools: [SEARCH], tool_choice: "required" }, ["tool_choice"]],
	];
	test.each(DROPPED)("%j is named", (request, expected) => {
		expect(translate(request).dropped).toEqual(expected);
	});

	const HOSTED = [
		"file_search",
		"code_interpreter",
		"image_generation",
		"computer",
		"computer_use_preview",
		"mcp",
		"local_shell",
		"shell",
		"apply_patch",
		"namespace",
		"tool_search",
		"programmatic_tool_calling",
	];
	test.each(HOSTED)("%s runs at OpenAI and is refused by name", (type) => {
		const refused = refusalOf({ tools: [G, { type }] });
		expect(refused).toMatchObject({ status: 400, code: "unsupported_tool", param: "tools[1].type" });
		expect(refused.message).toContain(type);
		expect(refusalOf({ tools: [G], tool_choice: { type } })).toMatchObject({ code: "unsupported_tool" });
		expect(refusalOf({ tools: [G], tool_choice: { type: "allowed_tools", tools: [{ type }] } })).toMatchObject({
			code: "unsupported_tool",
		});
	});

	const REFUSED: readonly [JsonObject, string][] = [
		[{ tools: [{ ...SEARCH, filters: { allowed_domains: ["a.example"] } }] }, "tools[0].filters"],
		[{ tools: [{ ...SEARCH, external_web_access: false }] }, "tools[0].external_web_access"],
		[{ tools: [{ type: "function" }] }, "tools[0].name"],
		[{ tools: [], tool_choice: "required" }, "tool_choice"],
		[{ tools: [G], tool_choice: { type: "web_search" } }, "tool_choice"],
		[{ tools: [G], tool_choice: { type: "allowed_tools", mode: "required", tools: [] } }, "tool_choice"],
	];
	test.each(REFUSED)("%j is refused", (request, param) => {
		expect(refusalOf(request)).toMatchObject({ status: 400, param });
	});
});

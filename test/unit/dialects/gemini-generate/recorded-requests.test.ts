import { describe, expect, test } from "bun:test";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { isJsonObject } from "../../../../src/lib/json-types.ts";
import { recordedCases } from "../../../support/recorded.ts";
import { list, obj, translate } from "./support.ts";

const REQUESTS = recordedCases(
	({ api }) => api === "gemini.generateContent" || api === "gemini.streamGenerateContent",
).flatMap(({ id, model, request }) =>
	request.body === null || model === undefined ? [] : ([[id, model, obj(request.body)]] as const),
);

/** The chat request that an app would have made for what was recorded. */
function asChat(wire: JsonObject): JsonObject {
	const config = isJsonObject(wire.generationConfig) ? wire.generationConfig : {};
	const thinking = isJsonObject(config.thinkingConfig) ? config.thinkingConfig : {};
	const system = isJsonObject(wire.systemInstruction) ? list(wire.systemInstruction.parts) : [];
	const request: JsonObject = {
		messages: [
			...system.map(({ text }) => ({ role: "system", content: String(text) })),
			...list(wire.contents).flatMap((content, index) => messagesOf(content, index)),
		],
	};
	if (wire.tools !== undefined) {
		request.tools = list(wire.tools)
			.flatMap((tool) => list(tool.functionDeclarations))
			.map(({ name, description, parameters }) => ({
				type: "function",
				function: { name: String(name), description: String(description), parameters: lowerTypes(parameters ?? null) },
			}));
		request.tool_choice = "auto";
	}
	if (config.maxOutputTokens !== undefined) {
		request.max_tokens = config.maxOutputTokens;
	}
	if (config.responseJsonSchema !== undefined) {
		const json_schema = { name: "x", schema: config.responseJsonSchema };
		request.response_format = { type: "json_schema", json_schema };
	}
	if (thinking.thinkingBudget !== undefined) {
		request.thinking = { type: "enabled", budget_tokens: thinking.thinkingBudget };
	}
	if (thinking.thinkingLevel !== undefined) {
		request.reasoning_effort = String(thinking.thinkingLevel).toLowerCase();
	}
	return request;
}

function messagesOf({ role, parts }: JsonObject, index: number): JsonObject[] {
	const messages: JsonObject[] = [];
	const calls: JsonObject[] = [];
	for (const { text, functionCall, functionResponse, thoughtSignature } of list(parts)) {
		if (isJsonObject(functionCall)) {
			const { id, name, args } = functionCall;
			const extra =
				thoughtSignature === undefined ? {} : { extra_content: { google: { thought_signature: thoughtSignature } } };
			calls.push({
				id: String(id ?? `id-${index}-${calls.length}`),
				type: "function",
				function: { name: String(name), arguments: JSON.stringify(args) },
				...extra,
			});
		} else if (isJsonObject(functionResponse)) {
			const { id, response } = functionResponse;
			const content = String(obj(response).result);
			messages.push({ role: "tool", tool_call_id: String(id ?? `id-${index - 1}-${messages.length}`), content });
		} else {
			messages.push({ role: role === "model" ? "assistant" : "user", content: String(text) });
		}
	}
	return calls.length === 0 ? messages : [...messages, { role: "assistant", content: null, tool_calls: calls }];
}

function lowerTypes(schema: JsonValue): JsonValue {
	if (Array.isArray(schema)) {
		return schema.map(lowerTypes);
	}
	if (!isJsonObject(schema)) {
		return schema;
	}
	return Object.fromEntries(
		Object.entries(schema).map(([name, value]) => [
			name,
			name === "type" && typeof value === "string" ? value.toLowerCase() : lowerTypes(value ?? null),
		]),
	);
}

/** The same in one spelling: what the SDK of the recordings writes otherwise and what means nothing is evened out. */
function evened(wire: JsonObject): JsonValue {
	const even = JSON.parse(JSON.stringify(wire), (name, value) => {
		if (isJsonObject(value) && (isJsonObject(value.functionCall) || isJsonObject(value.functionResponse))) {
			const called = obj(value.functionCall ?? value.functionResponse);
			if (called.id === undefined || String(called.id).startsWith("id-")) {
				const { id: _id, ...rest } = called;
				return { ...value, [value.functionCall === undefined ? "functionResponse" : "functionCall"]: rest };
			}
		}
		if (name === "systemInstruction") {
			return { parts: value.parts };
		}
		if (isJsonObject(value) && value.parameters !== undefined && value.name !== undefined) {
			const { parameters, ...rest } = value;
			return { ...rest, parametersJsonSchema: lowerTypes(parameters) };
		}
		return name === "generationConfig" && Object.keys(value).length === 0 ? undefined : value;
	});
	return obj(even);
}

describe("a chat request that means what was recorded becomes what was recorded", () => {
	test("there are recorded requests", () => {
		expect(REQUESTS.length).toBeGreaterThan(45);
	});

	test.each([...REQUESTS])("%s", (id, model, wire) => {
		const { body, dropped } = translate(asChat(wire), model, id.startsWith("vertex") ? "vertex" : "gemini");
		expect(evened(body)).toEqual(evened(wire));
		expect(dropped).toEqual([]);
	});
});

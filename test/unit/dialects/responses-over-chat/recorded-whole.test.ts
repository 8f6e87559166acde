import { describe, expect, test } from "bun:test";
import { readerOf } from "../../../../src/dialects/registry.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../../src/lib/json-types.ts";
import { recordedCases } from "../../../support/recorded.ts";
import { responseFaults, translate, WITH_SEALS } from "./rig.ts";

const all = recordedCases(({ api, stream }) => api === "openai.chat" && !stream).map((recorded) => ({
	...recorded,
	answer: JSON.parse(recorded.response.body.toString()) as JsonObject,
}));
const answered = all.filter(({ status, answer }) => status === 200 && answer.error === undefined);
const failed = all.filter(({ status, answer }) => status !== 200 || answer.error !== undefined);

describe("recorded chat completions as responses", () => {
	test("there are more than a hundred", () => {
		expect(answered.length).toBeGreaterThan(150);
		expect(failed.length).toBeGreaterThan(5);
	});

	test.each(answered.map(({ id, answer }) => [id, answer] as const))("%s", (_, answer) => {
		for (const request of [{}, WITH_SEALS]) {
			const response = translate(request).whole(answer) ?? {};
			expect(responseFaults(response)).toEqual([]);
			expect(readerOf.responses.usage(response)).toEqual(readerOf.chat.usage(answer));
			expect(readerOf.responses.fault(response)).toBeUndefined();
			expectSameWords(answer, response);
		}
	});

	test.each(failed.map(({ id, status, answer }) => [id, status, answer] as const))(
		"the failure of %s keeps its words",
		(_, status, answer) => {
			const fault = translate({}).readFault(answer, status === 200 ? undefined : status);
			const told = isJsonObject(answer.error)
				? answer.error.message
				: (answer.error ?? answer.detail ?? answer.message);
			expect(fault.message).toBe(String(told).slice(0, 2_000));
			expect(fault.status).toBeGreaterThanOrEqual(400);
			if (status === 200) {
				const inside = translate({}).whole(answer);
				expect(inside?.error).toMatchObject({ message: fault.message, status: fault.status });
			}
		},
	);
});

function expectSameWords(answer: JsonObject, response: JsonObject): void {
	const message = messageOf(answer);
	const output = objects(response.output);
	const parts = output.flatMap(({ content }) => objects(content));
	const spoken = isJsonObject(message.audio) ? message.audio.transcript : "";
	expect(parts.map(({ text, refusal }) => text ?? refusal).join("")).toBe(
		`${textOf(message.content) || String(spoken ?? "")}${String(message.refusal ?? "")}`,
	);
	const thinking = message.reasoning_content ?? message.reasoning;
	const summaries = output.flatMap(({ summary }) => objects(summary));
	if (typeof thinking === "string") {
		expect(summaries.map(({ text }) => text).join("")).toBe(thinking);
	}
	const calls = objects(message.tool_calls).map(({ id, function: described }) => ({ id, described }));
	const said = output
		.filter(({ type }) => type === "function_call")
		.map(({ call_id, name, arguments: text }) => ({ id: call_id, described: { name, arguments: text } }));
	if (isJsonObject(message.function_call)) {
		expect(said.map(({ described }) => described)).toEqual([
			message.function_call as { name: string; arguments: string },
		]);
	} else {
		expect(said).toEqual(calls as typeof said);
	}
}

function messageOf(answer: JsonObject): JsonObject {
	const choice = objects(answer.choices)[0] ?? {};
	return isJsonObject(choice.message) ? choice.message : {};
}

function textOf(content: JsonValue | undefined): string {
	return typeof content === "string"
		? content
		: objects(content)
				.map(({ text }) => text ?? "")
				.join("");
}

function objects(list: JsonValue | undefined): JsonObject[] {
	return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { BRIDGED_WIRES, type BridgedRig, outputBound, startBridgedRig } from "../support/bridged-rig.ts";
import type { Wire } from "../support/native/answers.ts";
import type { Saying } from "../support/native/saying.ts";
import { type Json, object, text } from "../support/oracle/json.ts";
import {
	type Heard,
	hear,
	itemsOf,
	MANNERS,
	type ResponseParams,
	textOf,
	timeless,
} from "../support/responses-client.ts";
import type { SdkClient } from "../support/sdk-client.ts";

/*
 * The Responses API, by the real `openai` package, with providers that only chat: each in its own words, and refusing
 * what the real one refuses. A 400 here is a provider's complaint about what the gateway made of the request.
 */
let rig: BridgedRig;
let client: SdkClient;

beforeAll(async () => {
	rig = await startBridgedRig();
	client = await rig.client();
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const wires = BRIDGED_WIRES.map((wire) => ({ wire }));

/** The answer whole and as a stream, which must come to the same. */
async function hearBoth(
	wire: Wire,
	saying: Saying | ((body: Json) => Saying),
	params: Omit<ResponseParams, "model">,
): Promise<Heard> {
	rig.provider.says(wire, saying, saying);
	const whole = await hear(client, "whole", { ...params, model: wire });
	const stream = await hear(client, "stream", { ...params, model: wire });
	expect(timeless(stream.response)).toEqual(timeless(whole.response));
	expect(stream.dropped).toEqual(whole.dropped);
	return stream;
}

/** Everything that the provider was told in the first request, as text. */
function sent(): string {
	return JSON.stringify(rig.provider.bodies[0]);
}

describe("words", () => {
	test.each(wires)("$wire: instructions and turns arrive, the answer and its count come back", async ({ wire }) => {
		const { response, types, headers } = await hearBoth(
			wire,
			{ text: "All is well." },
			{
				instructions: "Be brief.",
				input: [
					{ role: "developer", content: "Speak plainly." },
					{ role: "user", content: "How are things?" },
				],
				metadata: { batch: "b-1" },
			},
		);
		expect(textOf(response)).toBe("All is well.");
		expect(response).toMatchObject({
			status: "completed",
			instructions: "Be brief.",
			metadata: { batch: "b-1" },
			store: true,
			usage: { input_tokens: 60, output_tokens: 150, total_tokens: 210 },
		});
		expect(response.output.map(({ type }) => type)).toEqual(["message"]);
		expect(types).toEqual([
			"response.created",
			"response.in_progress",
			"response.output_item.added",
			"response.content_part.added",
			...Array.from({ length: 3 }, () => "response.output_text.delta"),
			"response.output_text.done",
			"response.content_part.done",
			"response.output_item.done",
			"response.completed",
		]);
		expect(headers.get("x-gateway-retries")).toBe("0");
		const words = ["Be brief.", "Speak plainly.", "How are things?"];
		expect(words.filter((said) => !sent().includes(said))).toEqual([]);
		expect(sent()).not.toContain("b-1");
	});

	test.each(wires)("$wire: the openai package puts a stream together", async ({ wire }) => {
		rig.provider.says(wire, { text: "All is well." });
		const stream = client.openai.responses.stream({ model: wire, input: "How are things?" });
		let said = "";
		stream.on("response.output_text.delta", ({ delta }) => {
			said += delta;
		});
		const response = await stream.finalResponse();
		expect([said, response.output_text]).toEqual(["All is well.", "All is well."]);
	});

	test.each(wires)("$wire: thinking is a summary", async ({ wire }) => {
		const thinking = { text: "What do they want to hear? The truth.", seal: "c2VhbA==" };
		const { response } = await hearBoth(
			wire,
			{ thinking, text: "All is well." },
			{ input: "How are things?", reasoning: { effort: "low", summary: "auto" } },
		);
		expect(response.output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
		const [reasoning] = itemsOf(response, "reasoning");
		expect(reasoning).toMatchObject({ summary: [{ type: "summary_text", text: thinking.text }] });
		expect(reasoning?.encrypted_content).toBeUndefined();
		expect(response.reasoning).toMatchObject({ effort: "low", summary: "auto" });
	});
});

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF = Buffer.from("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF").toString("base64");
const QUESTION = { type: "input_text", text: "What is in it?" } as const;

describe("what an input holds besides text", () => {
	test.each(wires)("$wire: a picture", async ({ wire }) => {
		const image = { type: "input_image", image_url: `data:image/png;base64,${PNG}`, detail: "auto" } as const;
		const { response } = await hearBoth(
			wire,
			{ text: "A dot." },
			{ input: [{ role: "user", content: [QUESTION, image] }] },
		);
		expect(textOf(response)).toBe("A dot.");
		expect(sent()).toContain(PNG);
	});

	const pdf = {
		type: "input_file",
		filename: "My report_v2.pdf",
		file_data: `data:application/pdf;base64,${PDF}`,
	} as const;

	test.each(wires.filter(({ wire }) => wire !== "cohere"))("$wire: a file", async ({ wire }) => {
		const { response } = await hearBoth(
			wire,
			{ text: "Pages." },
			{ input: [{ role: "user", content: [QUESTION, pdf] }] },
		);
		expect(textOf(response)).toBe("Pages.");
		expect(sent()).toContain(PDF);
	});

	test.each(MANNERS)("cohere: a file is refused by name, before any call (%s)", async (manner) => {
		rig.provider.says("cohere", { text: "Pages." });
		const raised = await refusal(manner, { model: "cohere", input: [{ role: "user", content: [QUESTION, pdf] }] });
		expect(raised).toMatchObject({ status: 400, type: "invalid_request_error", code: "unsupported_content" });
		expect(rig.provider.bodies.length).toBe(0);
	});
});

async function refusal(manner: (typeof MANNERS)[number], params: ResponseParams): Promise<APIError> {
	const raised = await client.openai.responses
		.create({ ...params, stream: manner === "stream" })
		.catch((error: unknown) => error);
	if (!(raised instanceof APIError)) {
		throw new Error("the request was not refused");
	}
	return raised;
}

/** A provider that was made to answer by a tool does so, any other writes the JSON as text. */
function structured(value: Json): (body: Json) => Saying {
	return (body) => {
		const chosen =
			text(object(body.tool_choice).name) || text(object(object(object(body.toolConfig).toolChoice).tool).name);
		return chosen === ""
			? { text: JSON.stringify(value) }
			: { toolCalls: [{ id: "a1B2c3D4e", name: chosen, arguments: value }] };
	};
}

describe("an answer in JSON", () => {
	const forecast = z.object({
		city: z.string(),
		days: z.array(z.object({ high: z.number(), sky: z.enum(["sun", "rain"]) })),
	});
	const value: z.infer<typeof forecast> = { city: "Rome", days: [{ high: 21, sky: "sun" }] };
	const format = zodTextFormat(forecast, "forecast");

	test.each(wires)("$wire: by schema, read by the SDK's helpers", async ({ wire }) => {
		const says = structured(value);
		rig.provider.says(wire, says, says);
		const params = { model: wire, input: "The forecast for Rome.", text: { format } };
		expect((await client.openai.responses.parse(params)).output_parsed).toEqual(value);
		expect((await client.openai.responses.stream(params).finalResponse()).output_parsed).toEqual(value);
		// Bedrock takes the schema as text in its JSON.
		const asked = sent().replaceAll("\\", "");
		expect(["city", "days", "sky", "rain"].filter((word) => !asked.includes(`"${word}"`))).toEqual([]);
	});

	test.each(wires)("$wire: is a message like any other", async ({ wire }) => {
		const { response } = await hearBoth(wire, structured(value), { input: "The forecast.", text: { format } });
		expect(response.output.map(({ type }) => type)).toEqual(["message"]);
		expect(JSON.parse(textOf(response))).toEqual(value);
		expect(response.text?.format).toMatchObject({ type: "json_schema", name: "forecast", strict: true });
	});
});

describe("an answer that is cut", () => {
	test.each(wires)("$wire: by its bound", async ({ wire }) => {
		const { response } = await hearBoth(
			wire,
			{ text: "Once upon a", ending: "length" },
			{ input: "A long story.", max_output_tokens: 77 },
		);
		expect(outputBound(wire, rig.provider.bodies[0])).toBe(77);
		expect(response).toMatchObject({
			status: "incomplete",
			incomplete_details: { reason: "max_output_tokens" },
			max_output_tokens: 77,
		});
		expect(textOf(response)).toBe("Once upon a");
		expect(response.output.at(-1)).toMatchObject({ type: "message", status: "incomplete" });
	});

	test.each(wires)("$wire: in the middle of a call", async ({ wire }) => {
		const call = { id: "a1B2c3D4e", name: "weather", arguments: { city: "Rome" } };
		const tools = [{ type: "function" as const, name: "weather", parameters: { type: "object" }, strict: false }];
		const { response } = await hearBoth(wire, { toolCalls: [call], ending: "length" }, { input: "Weather?", tools });
		expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
		expect(itemsOf(response, "function_call")).toMatchObject([{ name: "weather", status: "incomplete" }]);
	});

	test.each(wires)("$wire: by a filter", async ({ wire }) => {
		const { response } = await hearBoth(wire, { text: "First you take", ending: "filter" }, { input: "How to?" });
		expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "content_filter" } });
		expect(textOf(response)).toStartWith("First you take");
	});

	test.each(wires)("$wire: by a filter, before the first word", async ({ wire }) => {
		const { response } = await hearBoth(wire, { text: "", ending: "filter" }, { input: "How to?" });
		expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "content_filter" } });
		expect(textOf(response)).toBe("");
	});
});

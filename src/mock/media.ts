import type { JsonObject, JsonValue } from "../lib/json-types.ts";
import { isJsonObject } from "../lib/json-types.ts";
import { choiceCount, textField, textOf } from "./read.ts";
import { type MockCall, MockRefusal, type MockReply } from "./reply.ts";
import { countTokens } from "./text.ts";

const CATEGORIES = [
	"harassment",
	"harassment/threatening",
	"hate",
	"hate/threatening",
	"illicit",
	"illicit/violent",
	"self-harm",
	"self-harm/instructions",
	"self-harm/intent",
	"sexual",
	"sexual/minors",
	"violence",
	"violence/graphic",
] as const;

/** The smallest PNG there is: one pixel. */
const PIXEL_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
/** What one image costs, in output tokens. */
const IMAGE_TOKENS = 16;

/** `POST /v1/moderations`: a text is flagged when it has the name of a category in it. */
export function moderations(call: MockCall): MockReply {
	const texts = moderatedTexts(call.body.input);
	return {
		kind: "json",
		body: { id: call.newId("modr-"), model: call.model, results: texts.map((text) => verdict(text.toLowerCase())) },
	};
}

function verdict(text: string): JsonObject {
	const flags = CATEGORIES.map((category) => [category, text.includes(category)] as const);
	return {
		flagged: flags.some(([, flagged]) => flagged),
		categories: Object.fromEntries(flags),
		category_scores: Object.fromEntries(flags.map(([category, flagged]) => [category, flagged ? 0.99 : 0.01])),
		category_applied_input_types: Object.fromEntries(CATEGORIES.map((category) => [category, ["text"]])),
	};
}

/** One text, several texts, or one message made of parts. */
function moderatedTexts(input: JsonValue | undefined): readonly string[] {
	if (typeof input === "string") {
		return [input];
	}
	if (!Array.isArray(input) || input.length === 0) {
		throw new MockRefusal(400, "'input' must be a text or a list with at least one entry.", { param: "input" });
	}
	return input.some(isJsonObject) ? [textOf(input)] : input.map(String);
}

/** `POST /v1/images/generations` and `/v1/images/edits`. */
export function images(call: MockCall): MockReply {
	const prompt = textField(call.body, "prompt");
	if (prompt === undefined || prompt === "") {
		throw new MockRefusal(400, "'prompt' is required.", { param: "prompt" });
	}
	const count = choiceCount(call.body);
	const inputTokens = countTokens(prompt);
	const outputTokens = count * IMAGE_TOKENS;
	const usage = {
		input_tokens: inputTokens,
		input_tokens_details: { text_tokens: inputTokens, image_tokens: 0 },
		output_tokens: outputTokens,
		total_tokens: inputTokens + outputTokens,
	};
	return {
		kind: "json",
		body: {
			created: call.nowSeconds,
			data: Array.from({ length: count }, () => ({ b64_json: PIXEL_PNG })),
			...(call.script.usage ? { usage } : {}),
		},
	};
}

import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { jsonOf } from "../body-kind.ts";
import { checkFields, fieldRules, missing, mustBe, oneOf, requiredModel } from "../fields.ts";
import { checkAddresses } from "../media-url.ts";
import { PLAIN_ENVELOPE } from "../plain-envelope.ts";
import { promptSize } from "../prompt-size.ts";
import { partsText } from "../token-input.ts";
import type { Envelope, Ingress, PromptTokensUpperBound } from "../types.ts";

const INPUTS_MAX = 2_048;
/** OpenAI's SDKs leave the model out, and OpenAI then takes this one: so does the gateway, as an alias like any other. */
const MODEL_DEFAULT = "omni-moderation-latest";

const RULES = fieldRules({});
const partKind = oneOf("text", "image_url");

export function createModerationsIngress(bound: PromptTokensUpperBound): Ingress {
	return {
		operation: "moderations",
		path: "/moderations",
		body: "json",
		readEnvelope: (body) => readEnvelope(jsonOf(body), bound),
		promptText: (body) => partsText(jsonOf(body).input),
	};
}

function readEnvelope(json: JsonObject, bound: PromptTokensUpperBound): Envelope {
	const model = requiredModel(json.model ?? MODEL_DEFAULT);
	checkFields(json, RULES);
	const images = checkInput(json.input);
	const size = promptSize(json, bound);
	return {
		...PLAIN_ENVELOPE,
		model,
		needs: { ...PLAIN_ENVELOPE.needs, images },
		promptTokensMax: size.tokensMax,
		promptImages: size.images,
	};
}

/** Whether the input, once checked, holds images. */
function checkInput(input: JsonValue | undefined): boolean {
	if (input === undefined || input === null) {
		throw missing("input");
	}
	if (typeof input === "string") {
		return false;
	}
	if (!Array.isArray(input) || input.length === 0 || input.length > INPUTS_MAX) {
		throw mustBe("input", `a string or a list of 1 to ${INPUTS_MAX} entries`);
	}
	let images = false;
	for (const [index, entry] of input.entries()) {
		if (typeof entry === "string") {
			continue;
		}
		if (!isJsonObject(entry)) {
			throw mustBe(`input[${index}]`, "text or a content part");
		}
		partKind(entry.type ?? "", `input[${index}].type`);
		if (entry.type === "text" && typeof entry.text !== "string") {
			throw mustBe(`input[${index}].text`, "a string");
		}
		if (entry.type === "image_url" && !isJsonObject(entry.image_url)) {
			throw mustBe(`input[${index}].image_url`, "an object with a URL");
		}
		checkAddresses(entry, `input[${index}]`);
		images ||= entry.type === "image_url";
	}
	return images;
}

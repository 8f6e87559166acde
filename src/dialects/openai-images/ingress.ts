import { badRequest } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import { fieldText, type Multipart } from "../../lib/multipart.ts";
import { type PromptView, plainPrompt } from "../../lib/prompt-view.ts";
import { formOf, jsonOf } from "../body-kind.ts";
import {
	boolean,
	checkFields,
	type FieldRule,
	fieldRules,
	integerBetween,
	integerField,
	missing,
	mustBe,
	oneOf,
	requiredModel,
	textUpTo,
} from "../fields.ts";
import { formFields } from "../form-fields.ts";
import { PLAIN_ENVELOPE } from "../plain-envelope.ts";
import { IMAGE_TOKENS_MAX, promptSize } from "../prompt-size.ts";
import type { Envelope, Ingress, PromptTokensUpperBound } from "../types.ts";

const PROMPT_LENGTH_MAX = 32_000;
const IMAGES_IN_MAX = 16;
const IMAGES_OUT_MAX = 10;

const size: FieldRule = (value, param) => {
	if (typeof value !== "string" || !/^(?:auto|[1-9]\d{0,4}x[1-9]\d{0,4})$/.test(value)) {
		throw mustBe(param, "'auto' or a size such as '1024x1024'");
	}
};

const RULES = fieldRules({
	prompt: textUpTo(PROMPT_LENGTH_MAX),
	n: integerBetween(1, IMAGES_OUT_MAX),
	size,
	quality: textUpTo(32),
	style: textUpTo(64),
	background: textUpTo(32),
	moderation: textUpTo(32),
	response_format: oneOf("url", "b64_json"),
	output_format: textUpTo(16),
	output_compression: integerBetween(0, 100),
	partial_images: integerBetween(0, 3),
	input_fidelity: textUpTo(16),
	stream: boolean,
	user: textUpTo(4_096),
});

export function createImageGenerationsIngress(bound: PromptTokensUpperBound): Ingress {
	return {
		operation: "images.generations",
		path: "/images/generations",
		body: "json",
		readEnvelope(body) {
			const json = jsonOf(body);
			const facts = readFacts(json);
			return { ...facts, promptTokensMax: promptSize(json, bound).tokensMax };
		},
		promptText: (body) => textOf(jsonOf(body).prompt),
	};
}

export function createImageEditsIngress(bound: PromptTokensUpperBound): Ingress {
	return {
		operation: "images.edits",
		path: "/images/edits",
		body: "multipart",
		readEnvelope: (body) => readForm(formOf(body), bound),
		promptText: (body) => textOf(fieldText(formOf(body), "prompt")),
	};
}

function readFacts(json: JsonObject): Omit<Envelope, "promptTokensMax"> {
	const model = requiredModel(json.model);
	checkFields(json, RULES);
	const { prompt } = json;
	if (prompt === undefined || prompt === null || prompt === "") {
		throw missing("prompt");
	}
	const images = integerField(json, "n") ?? 1;
	return { ...PLAIN_ENVELOPE, model, stream: json.stream === true, choices: images, quantities: { images } };
}

function readForm(form: Multipart, bound: PromptTokensUpperBound): Envelope {
	const fields = formFields(form, {
		text: ["model", "prompt", "size", "quality", "background", "response_format", "output_format", "user"],
		numbers: ["n", "output_compression", "partial_images"],
		flags: ["stream"],
	});
	const facts = readFacts(fields);
	const images = form.parts.filter((part) => part.name === "image" || part.name === "image[]");
	const pictures = form.parts.filter((part) => part.name === "mask").concat(images);
	if (images.length === 0) {
		throw missing("image");
	}
	if (images.length > IMAGES_IN_MAX) {
		throw badRequest(`At most ${IMAGES_IN_MAX} images can be edited at once.`, "image");
	}
	for (const part of pictures) {
		if (part.start === part.end) {
			throw badRequest(`The file '${part.name}' is empty.`, part.name);
		}
	}
	const promptTokensMax = bound(String(fields.prompt)) + pictures.length * IMAGE_TOKENS_MAX;
	return { ...facts, promptTokensMax, promptImages: pictures.length };
}

function textOf(prompt: unknown): PromptView {
	return plainPrompt(typeof prompt === "string" ? prompt : "");
}

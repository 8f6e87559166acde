import { type Json, object, objects, text } from "../oracle/json.ts";
import { createFaults, demandKnown, type Faults, sameJson } from "./rules.ts";
import type { Saying } from "./saying.ts";

/*
 * What the Gemini API refuses: https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/function-calling,
 * https://ai.google.dev/gemini-api/docs/thought-signatures
 */
const FIELDS = [
	"contents",
	"systemInstruction",
	"tools",
	"toolConfig",
	"safetySettings",
	"generationConfig",
	"cachedContent",
	"labels",
	"serviceTier",
	"store",
];
const GENERATION_FIELDS = [
	"stopSequences",
	"responseMimeType",
	"responseSchema",
	"responseJsonSchema",
	"responseModalities",
	"candidateCount",
	"maxOutputTokens",
	"temperature",
	"topP",
	"topK",
	"seed",
	"presencePenalty",
	"frequencyPenalty",
	"responseLogprobs",
	"logprobs",
	"enableEnhancedCivicAnswers",
	"speechConfig",
	"thinkingConfig",
	"imageConfig",
	"mediaResolution",
	"audioTimestamp",
];
/** A part is one of these; the rest are facts about it. */
const DATA = [
	"text",
	"inlineData",
	"fileData",
	"functionCall",
	"functionResponse",
	"executableCode",
	"codeExecutionResult",
];
/** What stands in for a seal that an app has lost. */
const STAND_INS = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];
/** Words of JSON Schema that `parameters` and `responseSchema`, an older subset, do not have. */
const NOT_IN_SCHEMA = ["$schema", "$ref", "$defs", "definitions", "additionalProperties", "const", "oneOf", "allOf"];

/**
 * @param needsSeals Gemini 3 refuses its calls without their thought signatures, earlier ones do not mind.
 */
export function geminiFaults(
	body: Json,
	said: readonly Saying[],
	{ needsSeals }: { readonly needsSeals: boolean },
): string[] {
	const faults = createFaults();
	demandKnown(faults, "body", body, FIELDS);
	demandKnown(faults, "generationConfig", object(body.generationConfig), GENERATION_FIELDS);
	const config = object(body.generationConfig);
	checkSchema(faults, "generationConfig.responseSchema", config.responseSchema);
	for (const declared of objects(body.tools).flatMap((tool) => objects(tool.functionDeclarations))) {
		faults.demand(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/.test(text(declared.name)), "functionDeclarations.name: invalid");
		faults.demand(!("parameters" in declared && "parametersJsonSchema" in declared), "parameters given twice");
		checkSchema(faults, "parameters", declared.parameters);
	}
	const contents = objects(body.contents);
	faults.demand(contents.length > 0 && contents[0]?.role === "user", "contents: must begin with a user turn");
	for (const [index, content] of contents.entries()) {
		const where = `contents[${index}]`;
		faults.demand(content.role === "user" || content.role === "model", `${where}.role: use user or model`);
		faults.demand(content.role !== contents[index - 1]?.role, `${where}: two turns of one role`);
		const parts = objects(content.parts);
		faults.demand(parts.length > 0, `${where}.parts must not be empty`);
		for (const part of parts) {
			checkPart(faults, part, where);
		}
		checkResponses(faults, parts, objects(contents[index + 1]?.parts), where);
	}
	checkSeals(faults, contents, needsSeals ? said : []);
	checkGenuine(faults, contents, said);
	return faults.list();
}

function checkSchema(faults: Faults, where: string, schema: unknown): void {
	for (const word of NOT_IN_SCHEMA) {
		faults.demand(!mentions(schema, word), `unknown name "${word}" at ${where}`);
	}
}

function mentions(value: unknown, word: string): boolean {
	if (Array.isArray(value)) {
		return value.some((entry) => mentions(entry, word));
	}
	// Names of properties are no words of the schema.
	return Object.entries(object(value)).some(([name, inner]) =>
		name === "properties"
			? Object.values(object(inner)).some((one) => mentions(one, word))
			: name === word || mentions(inner, word),
	);
}

function checkPart(faults: Faults, part: Json, where: string): void {
	const data = DATA.filter((name) => name in part);
	faults.demand(data.length === 1, `${where}: required oneof field 'data' must have one initialized field`);
	const isEmpty = part.text === "" && part.thoughtSignature === undefined;
	faults.demand(!isEmpty, `${where}: a text part must not be empty`);
	if ("inlineData" in part) {
		const { mimeType, data: bytes } = object(part.inlineData);
		faults.demand(text(mimeType) !== "" && text(bytes) !== "", `${where}.inlineData: mimeType and data are required`);
	}
	if ("functionCall" in part) {
		const { args } = object(part.functionCall);
		faults.demand(args === undefined || args === object(args), `${where}.functionCall.args: must be an object`);
	}
	if ("functionResponse" in part) {
		const { response } = object(part.functionResponse);
		faults.demand(response === object(response), `${where}.functionResponse.response: must be an object`);
	}
}

function checkResponses(faults: Faults, parts: readonly Json[], next: readonly Json[], where: string): void {
	const called = parts.filter((part) => "functionCall" in part).map((part) => object(part.functionCall));
	const answered = next.filter((part) => "functionResponse" in part).map((part) => object(part.functionResponse));
	faults.demand(
		called.length === answered.length,
		`${where}: please ensure that the number of function response parts is equal to the number of function call parts of the function call turn`,
	);
	faults.demand(
		sameJson(called.map(({ name }) => name).sort(), answered.map(({ name }) => name).sort()),
		`${where}: function responses must have the names of their calls`,
	);
}

/** A seal comes back on the part that it came on. */
function checkSeals(faults: Faults, contents: readonly Json[], said: readonly Saying[]): void {
	const parts = contents.flatMap((content) => objects(content.parts));
	for (const { thinking, text: spoken, toolCalls = [] } of said) {
		const first = toolCalls[0];
		if (thinking !== undefined && first !== undefined) {
			const carrier = parts.find((part) => sameCall(part, first));
			faults.demand(
				carrier === undefined || [thinking.seal, ...STAND_INS].includes(text(carrier.thoughtSignature)),
				`function call ${first.name} is missing a thought_signature in functionCall parts`,
			);
		} else if (thinking !== undefined && spoken !== undefined && parts.some((part) => part.text === spoken)) {
			faults.demand(
				parts.some((part) => part.thoughtSignature === thinking.seal),
				"the text's thought_signature is missing",
			);
		}
	}
}

function checkGenuine(faults: Faults, contents: readonly Json[], said: readonly Saying[]): void {
	const parts = contents.flatMap((content) => objects(content.parts));
	const seals = [...STAND_INS, ...said.map(({ thinking }) => thinking?.seal)];
	for (const part of parts.filter(({ thoughtSignature }) => thoughtSignature !== undefined)) {
		faults.demand(seals.includes(text(part.thoughtSignature)), "invalid thought signature");
	}
}

function sameCall(part: Json, call: { readonly name: string; readonly arguments: unknown }): boolean {
	const { name, args } = object(part.functionCall);
	return name === call.name && sameJson(args ?? {}, call.arguments);
}

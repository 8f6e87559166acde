import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv/dist/2020.js";
import { DONE, eventJson } from "../../../../src/dialects/event-data.ts";
import { responsesOverChat } from "../../../../src/dialects/responses-over-chat/translator.ts";
import type { StreamTranslator, Target, Translation } from "../../../../src/dialects/translation.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../../src/lib/json-types.ts";
import { responseEventFaults, schemaFaults } from "../../../support/openai-schema.ts";
import { sequenceFaults } from "./sequence.ts";

export const TARGET: Target = {
	model: "the-model",
	stream: false,
	outputTokensMax: 1_000,
	answerId: "01ANSWER",
	createdAtSeconds: 1_700_000_000,
};

export const WITH_SEALS: JsonObject = { include: ["reasoning.encrypted_content"] };

export function translate(request: JsonObject, target: Partial<Target> = {}): Translation {
	return responsesOverChat.translate({ model: "alias", input: "Hello", ...request }, { ...TARGET, ...target });
}

/** The chat request made of a Responses request. */
export function chatOf(request: JsonObject): JsonObject {
	return translate(request).body;
}

/** The error of a request that is refused. */
export function refusalOf(request: JsonObject): {
	readonly message: string;
	readonly code: unknown;
	readonly param: unknown;
} {
	try {
		translate(request);
	} catch (error) {
		// Whatever was thrown is asserted by the test.
		return error as ReturnType<typeof refusalOf>;
	}
	throw new Error("the request was not refused");
}

/** A chunk with one delta. */
export function chunk(delta: JsonObject, rest: JsonObject = {}): JsonObject {
	return {
		id: "chatcmpl-1",
		object: "chat.completion.chunk",
		created: 1,
		model: "their-model",
		choices: [{ index: 0, delta, finish_reason: null, ...rest }],
	};
}

export function finish(reason: string): JsonObject {
	return chunk({}, { finish_reason: reason });
}

export const USAGE_CHUNK: JsonObject = {
	id: "chatcmpl-1",
	choices: [],
	usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
};

function sse(json: JsonObject): SseEvent {
	return { name: "", data: JSON.stringify(json) };
}

export const DONE_EVENT: SseEvent = { name: "", data: DONE };

export interface Streamed {
	readonly events: readonly SseEvent[];
	readonly json: readonly JsonObject[];
	readonly types: readonly string[];
	/** Of the terminal event. */
	readonly response: JsonObject;
	readonly malformed: number;
}

/** Sends events through a stream, closes it, and reads what came out. */
export function stream(given: readonly (SseEvent | JsonObject)[], request: JsonObject = {}): Streamed {
	const translator = translate(request, { stream: true }).openStream();
	return drain(
		translator,
		given.map((event) => (isEvent(event) ? event : sse(event))),
	);
}

export function drain(translator: StreamTranslator, given: readonly SseEvent[]): Streamed {
	const events: SseEvent[] = [];
	let malformed = 0;
	for (const event of given) {
		const said = translator.step(event);
		if (said === "malformed") {
			malformed += 1;
		} else {
			events.push(...said);
		}
	}
	events.push(...translator.end());
	const json = events.map((event) => eventJson({ name: event.name, data: event.data }) ?? {});
	const last = json.at(-1)?.response;
	return {
		events,
		json,
		types: json.map(({ type }) => String(type)),
		response: isJsonObject(last) ? last : {},
		malformed,
	};
}

/** A whole stream: these chunks, then `[DONE]`. */
export function streamed(chunks: readonly JsonObject[], request: JsonObject = {}): Streamed {
	return stream([...chunks, DONE_EVENT], request);
}

function isEvent(event: SseEvent | JsonObject): event is SseEvent {
	return typeof event.data === "string" && typeof event.name === "string";
}

/** Everything that can be wrong with the events of a stream, by our own check, OpenAI's document and Open Responses'. */
export function streamFaults({ events, json }: Streamed): string[] {
	const names = events.flatMap((event, index) =>
		event.name === json[index]?.type ? [] : [`event ${index}: named ${event.name}`],
	);
	const document = json.flatMap((event) =>
		responseEventFaults(event).map((fault) => `${String(event.type)}: OpenAI: ${fault}`),
	);
	const open = json.flatMap((event) => openResponsesEventFaults(event));
	return [...sequenceFaults(json), ...names, ...document, ...open];
}

/** The same of a whole response. */
export function responseFaults(response: JsonObject | undefined): string[] {
	return [
		...schemaFaults("Response", response).map((fault) => `OpenAI: ${fault}`),
		...openFaults("ResponseResource", openPart(response)).map((fault) => `Open Responses: ${fault}`),
	];
}

const open = loadOpenResponses();

/** Items and tools that Open Responses does not know are an extension of it, and not checked. */
const OPEN_ITEMS = new Set(["message", "function_call", "function_call_output", "reasoning"]);

function openPart(response: JsonObject | undefined): JsonObject | undefined {
	if (response === undefined) {
		return undefined;
	}
	const known = (list: unknown, types: ReadonlySet<string>) =>
		(Array.isArray(list) ? list : []).filter((entry) => isJsonObject(entry) && types.has(String(entry.type)));
	return {
		...response,
		output: known(response.output, OPEN_ITEMS),
		tools: known(response.tools, new Set(["function"])),
		// Its document has `schema: null` only, which no request can mean.
		text: isJsonObject(response.text) ? { ...response.text, format: { type: "text" } } : null,
	};
}

function openResponsesEventFaults(event: JsonObject): string[] {
	const type = String(event.type);
	const name = open.eventByType.get(type);
	if (isJsonObject(event.item) && !OPEN_ITEMS.has(String(event.item.type))) {
		return [];
	}
	if (name === undefined) {
		return /custom_tool|image_generation/.test(type) ? [] : [`Open Responses does not know ${type}`];
	}
	const checked = isJsonObject(event.response) ? { ...event, response: openPart(event.response) ?? null } : event;
	return openFaults(name, checked).map((fault) => `${type}: Open Responses: ${fault}`);
}

function openFaults(name: string, value: unknown): string[] {
	const validate = open.ajv.getSchema(`open#/components/schemas/${name}`);
	if (validate === undefined) {
		throw new Error(`no schema ${name}`);
	}
	// A schema compiled without $async answers at once.
	return validate(value) === true
		? []
		: (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ""}`);
}

function loadOpenResponses() {
	// The fixture's shape is fixed by the file beside this one.
	const document = JSON.parse(readFileSync(join(import.meta.dir, "open-responses-schemas.json"), "utf8")) as {
		components: { schemas: Record<string, { properties?: { type?: { enum?: string[] } } }> };
	};
	const ajv = new Ajv({ strict: false, validateFormats: false });
	ajv.addSchema({ $id: "open", ...document });
	const eventByType = new Map(
		Object.entries(document.components.schemas)
			.filter(([name]) => name.endsWith("StreamingEvent"))
			.map(([name, schema]) => [schema.properties?.type?.enum?.[0] ?? "", name] as const),
	);
	return { ajv, eventByType };
}

/** A chunk with one piece of a tool call. */
export function call(index: number | undefined, fields: JsonObject): JsonObject {
	const { id, ...described } = fields;
	return chunk({
		tool_calls: [
			{
				...(index === undefined ? {} : { index }),
				...(id === undefined ? {} : { id, type: "function" }),
				function: described,
			},
		],
	});
}

/** The items of the finished response. */
export function output({ response }: Streamed): JsonObject[] {
	return (Array.isArray(response.output) ? response.output : []).filter(isJsonObject);
}

/** Their types. */
export function kinds(said: Streamed): JsonValue[] {
	return output(said).map(({ type }) => type ?? null);
}

/** Its function calls, without what names the items. */
export function callsOf(said: Streamed): JsonObject[] {
	return output(said)
		.filter(({ type }) => type === "function_call")
		.map(({ call_id: id, name, arguments: text }) => ({ id, name, arguments: text }));
}

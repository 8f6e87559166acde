import { expect } from "bun:test";
import type {
	Response,
	ResponseCreateParamsNonStreaming,
	ResponseOutputItem,
} from "openai/resources/responses/responses";
import { isJsonObject, type JsonObject } from "../../src/lib/json-types.ts";
import { responseFaults, streamFaults } from "../unit/dialects/responses-over-chat/rig.ts";
import { nanoOf } from "./cost-formula.ts";
import { nativeCost } from "./native-cost.ts";
import { number, object, parseJson } from "./oracle/json.ts";
import type { SdkClient, WireAnswer } from "./sdk-client.ts";
import { finalCost, parseSse } from "./sse-events.ts";

export const MANNERS = ["whole", "stream"] as const;

/** How a client asks for its answer. */
export type Manner = (typeof MANNERS)[number];

export type ResponseParams = Omit<ResponseCreateParamsNonStreaming, "stream">;

/** A response as a client got it, checked from every side. */
export interface Heard {
	readonly response: Response;
	/** Nano-dollars, as the gateway told them. */
	readonly costNano: number;
	readonly headers: Headers;
	/** The types of the events, in order; none of a whole answer. */
	readonly types: readonly string[];
	/** The fields of the request that are named as dropped. */
	readonly dropped: readonly string[];
}

/**
 * Asks for a response by the openai package, and holds everything about the answer against what it must be: the objects
 * and the events against OpenAI's document and that of Open Responses, the events against each other, the cost against
 * its usage at NATIVE_PRICE.
 */
export async function hear(client: SdkClient, manner: Manner, params: ResponseParams): Promise<Heard> {
	const heard = manner === "whole" ? await hearWhole(client, params) : await hearStream(client, params);
	expect(heard.costNano).toBe(costByUsage(heard.response.usage));
	return heard;
}

async function hearWhole(client: SdkClient, params: ResponseParams): Promise<Heard> {
	const response = await client.openai.responses.create({ ...params, stream: false });
	const { headers, text } = await client.wire();
	expect(responseFaults(jsonObject(text))).toEqual([]);
	expect(headers.get("content-type")).toBe("application/json");
	expect(headers.get("x-gateway-cost-final")).toBeNull();
	return { response, costNano: nanoOf(headers.get("x-gateway-cost-usd")), types: [], ...told(headers) };
}

async function hearStream(client: SdkClient, params: ResponseParams): Promise<Heard> {
	const events = await Array.fromAsync(await client.openai.responses.create({ ...params, stream: true }));
	const answer = await client.wire();
	const { json, costUsd } = readStream(answer);
	expect(events as unknown[]).toEqual([...json]);
	const last = events.at(-1);
	if (last?.type !== "response.completed" && last?.type !== "response.incomplete") {
		throw new Error(`a stream ended in ${String(last?.type)}`);
	}
	return {
		response: last.response,
		costNano: nanoOf(costUsd),
		types: events.map(({ type }) => type),
		...told(answer.headers),
	};
}

function told(headers: Headers): Pick<Heard, "headers" | "dropped"> {
	return { headers, dropped: (headers.get("x-gateway-dropped") ?? "").split(", ").filter(Boolean) };
}

/** The events of a whole stream as they came over the wire. Fails the test where anything is wrong with them. */
export function readStream({ headers, text }: WireAnswer): {
	readonly json: readonly JsonObject[];
	readonly costUsd: string | undefined;
} {
	const stream = parseSse(text);
	const json = stream.data.map(jsonObject);
	const events = stream.data.map((data, index) => ({ name: stream.names[index] ?? "", data }));
	const last = json.at(-1)?.response;
	const response = isJsonObject(last) ? last : {};
	const faults = streamFaults({ events, json, types: json.map(({ type }) => String(type)), response, malformed: 0 });
	expect(faults).toEqual([]);
	expect(isJsonObject(last) ? responseFaults(last) : []).toEqual([]);
	expect(headers.get("content-type")).toStartWith("text/event-stream");
	expect(headers.get("x-gateway-cost-final")).toBe("false");
	return { json, costUsd: finalCost(stream)?.cost_usd };
}

/** What a response costs by its own usage, by hand. */
export function costByUsage(usage: unknown): number {
	const { input_tokens, output_tokens, total_tokens, input_tokens_details, output_tokens_details } = object(usage);
	return nativeCost({
		prompt_tokens: number(input_tokens) ?? Number.NaN,
		completion_tokens: number(output_tokens) ?? Number.NaN,
		total_tokens: number(total_tokens) ?? Number.NaN,
		prompt_tokens_details: object(input_tokens_details),
		completion_tokens_details: object(output_tokens_details),
	});
}

function jsonObject(text: string): JsonObject {
	// Parsed JSON that is an object is one.
	return parseJson(text) as JsonObject;
}

/** A response as it would be of any other request: without its ids, its time, and the seals that hold such ids. */
export function timeless(response: Response): unknown {
	const id = response.id.replace(/^resp_/, "");
	const { created_at: _, completed_at: __, output_text: ___, ...rest } = response;
	const text = JSON.stringify(rest).replaceAll(id, "ID");
	return JSON.parse(text.replace(/"encrypted_content":"[^"]*"/g, '"encrypted_content":"SEAL"'));
}

/** Everything a response says in words. */
export function textOf({ output }: Pick<Response, "output">): string {
	return output
		.flatMap((item) => (item.type === "message" ? item.content : []))
		.map((part) => (part.type === "output_text" ? part.text : part.refusal))
		.join("");
}

/** The items of one type. */
export function itemsOf<Type extends ResponseOutputItem["type"]>(
	{ output }: Pick<Response, "output">,
	type: Type,
): Extract<ResponseOutputItem, { type: Type }>[] {
	return output.filter((item): item is Extract<ResponseOutputItem, { type: Type }> => item.type === type);
}

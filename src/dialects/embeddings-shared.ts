import { badRequest } from "../lib/errors.ts";
import type { JsonObject, JsonValue } from "../lib/json-types.ts";
import { createDrops, dropUnmapped } from "./chat-hub/drops.ts";
import { faultAnswer } from "./fault-answer.ts";
import { neverStreamed } from "./never-streamed.ts";
import { declaredFault } from "./provider-fault.ts";
import type { Target, Translation } from "./translation.ts";
import type { ProviderFault } from "./types.ts";

/** An embeddings request of OpenAI, read for a provider that takes text only. */
export interface EmbeddingsRequest {
	/** At least one. */
	readonly texts: readonly string[];
	/** Length of a vector; undefined = the model's own. */
	readonly dimensions: number | undefined;
}

/** What differs between providers of embeddings. */
export interface EmbeddingsWire {
	/** Fields of the request that `body` says to the provider's model, beside `input`, `dimensions` and `encoding_format`. */
	mapped(model: string): readonly string[];
	body(request: EmbeddingsRequest, json: JsonObject, target: Target): JsonObject;
	/**
	 * The vectors in the order of the texts; undefined when the answer is none of this wire.
	 * @param headers Of the answer.
	 */
	read(answer: JsonObject, headers: Headers | undefined): EmbeddingsAnswer | undefined;
	readFault(body: JsonObject, status: number | undefined): ProviderFault;
}

export interface EmbeddingsAnswer {
	readonly vectors: readonly Vector[];
	/** Tokens of all texts; undefined = the provider does not say. */
	readonly promptTokens: number | undefined;
}

type Vector = readonly number[];

/** One embeddings request on its way to a provider, and its list on the way back. Never streamed. */
export function translateEmbeddings(json: JsonObject, target: Target, wire: EmbeddingsWire): Translation {
	const texts = readTexts(json.input);
	const drops = createDrops();
	dropUnmapped(json, new Set(["input", "dimensions", "encoding_format", ...wire.mapped(target.model)]), drops);
	const request = { texts, dimensions: typeof json.dimensions === "number" ? json.dimensions : undefined };
	return {
		body: wire.body(request, json, target),
		dropped: drops.list(),
		whole(answer, headers) {
			const read = wire.read(answer, headers);
			if (read !== undefined && read.vectors.length >= texts.length) {
				return embeddingsList(read, target.model, json.encoding_format === "base64");
			}
			const fault = declaredFault(answer);
			return fault === undefined ? undefined : faultAnswer(fault);
		},
		openStream: neverStreamed("embeddings"),
		readFault: wire.readFault,
	};
}

/** @throws GatewayError 400 for token numbers: they belong to the vocabulary of another model. */
function readTexts(input: JsonValue | undefined): string[] {
	const list = Array.isArray(input) ? input : [input];
	return list.map((text) => {
		if (typeof text === "string") {
			return text;
		}
		throw badRequest(
			"The field 'input' must be text for this model: it does not read token numbers.",
			"input",
			"unsupported_parameter",
		);
	});
}

/** The text of a request to a model that embeds one a call. @throws GatewayError 400 naming `input` where there are more. */
export function onlyText({ texts }: EmbeddingsRequest): string {
	const [text] = texts;
	if (text === undefined || texts.length > 1) {
		throw badRequest(
			"The field 'input' must hold one text for this model, which embeds one a call: send them one at a time.",
			"input",
			"unsupported_parameter",
		);
	}
	return text;
}

function embeddingsList({ vectors, promptTokens }: EmbeddingsAnswer, model: string, asBase64: boolean): JsonObject {
	return {
		object: "list",
		data: vectors.map((vector, index) => ({
			object: "embedding",
			index,
			embedding: asBase64 ? base64Floats(vector) : [...vector],
		})),
		model,
		...(promptTokens === undefined ? {} : { usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } }),
	};
}

/** 32-bit floats, the lowest byte first, as OpenAI sends them and its SDKs ask for them unasked. */
function base64Floats(vector: Vector): string {
	const bytes = Buffer.alloc(vector.length * Float32Array.BYTES_PER_ELEMENT);
	for (const [index, value] of vector.entries()) {
		bytes.writeFloatLE(value, index * Float32Array.BYTES_PER_ELEMENT);
	}
	return bytes.toString("base64");
}

/** A list of numbers that is not empty; undefined for anything else (`1e999` is no number). */
export function vectorOf(value: JsonValue | undefined): Vector | undefined {
	return Array.isArray(value) && value.length > 0 && value.every(isFiniteNumber) ? value : undefined;
}

function isFiniteNumber(value: JsonValue): value is number {
	return Number.isFinite(value);
}

/** All of them, or undefined where one is missing: a list with a gap would give texts the vectors of others. */
export function allVectors(values: readonly (Vector | undefined)[]): readonly Vector[] | undefined {
	const vectors = values.filter((vector) => vector !== undefined);
	return vectors.length === values.length && vectors.length > 0 ? vectors : undefined;
}

import { describe, expect, test } from "bun:test";
import { cohereEmbed } from "../../../../src/dialects/cohere-embed/translator.ts";
import { geminiEmbed } from "../../../../src/dialects/gemini-embed/translator.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";
import { recordedCases } from "../../../support/recorded.ts";

const TARGET = { stream: false, outputTokensMax: 0, answerId: "01J", createdAtSeconds: 1_700_000_000 };

interface Recorded {
	/** Cohere */
	readonly embeddings?: { readonly float: readonly number[][] } | readonly { readonly values: readonly number[] }[];
	readonly meta?: { readonly billed_units: { readonly input_tokens: number } };
	/** Gemini, one text */
	readonly embedding?: { readonly values: readonly number[] };
}

/** The vectors as they were recorded, read without the code under test. */
function vectorsOf({ embeddings, embedding }: Recorded): readonly (readonly number[])[] {
	if (embedding !== undefined) {
		return [embedding.values];
	}
	if (embeddings !== undefined && "float" in embeddings) {
		return embeddings.float;
	}
	return (embeddings ?? []).map(({ values }) => values);
}

const cases = recordedCases(({ api, status }) => ["cohere.embed", "gemini.embed"].includes(api) && status === 200);

describe("recorded embeddings", () => {
	test("there are enough of them", () => {
		expect(cases.length).toBe(5);
	});

	test.each(cases.map((recorded) => [recorded.id, recorded] as const))("%s", (_id, recorded) => {
		const body = recorded.response.body.toString();
		const raw: Recorded = JSON.parse(body);
		const vectors = vectorsOf(raw);
		const sent = recorded.request.body ?? {};
		const input = Array.isArray(sent.texts) ? sent.texts : vectors.map((_, index) => `text ${index}`);
		const translator = recorded.api === "cohere.embed" ? cohereEmbed : geminiEmbed;
		const target = { ...TARGET, model: String(sent.model ?? "model") };
		const list = translator.translate({ input }, target).whole(JSON.parse(body));
		const tokens = raw.meta?.billed_units.input_tokens;
		expect(list).toEqual({
			object: "list",
			data: vectors.map((embedding, index) => ({ object: "embedding", index, embedding: [...embedding] })),
			model: target.model,
			...(tokens === undefined ? {} : { usage: { prompt_tokens: tokens, total_tokens: tokens } }),
		});
		const counted = { usage: { prompt_tokens: 0, total_tokens: 0 }, ...list };
		expect(schemaFaults("CreateEmbeddingResponse", counted)).toEqual([]);
	});

	test.each(cases.filter(({ request }) => request.body !== null).map((recorded) => [recorded.id, recorded] as const))(
		"%s is asked for as it was recorded, and with what the gateway adds",
		(_id, recorded) => {
			const sent: JsonObject = JSON.parse(JSON.stringify(recorded.request.body));
			const { body } = cohereEmbed.translate(
				{ input: sent.texts, input_type: sent.input_type },
				{ ...TARGET, model: String(sent.model) },
			);
			expect(body).toEqual({ ...sent, embedding_types: ["float"], truncate: "NONE" });
		},
	);
});

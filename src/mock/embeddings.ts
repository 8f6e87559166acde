import type { JsonValue } from "../lib/json-types.ts";
import { firstCount } from "./read.ts";
import { type MockCall, MockRefusal, type MockReply } from "./reply.ts";
import { countTokens } from "./text.ts";

const DIMENSIONS = 1_536;
const DIMENSIONS_MAX = 3_072;
const INPUTS_MAX = 2_048;
/** Components that one word moves. Few words in common then mean a small cosine, many a large one. */
const COMPONENTS_PER_WORD = 8;

/** `POST /v1/embeddings`: unit vectors that depend on nothing but the text, nearer the more words two texts share. */
export function embeddings(call: MockCall): MockReply {
	const inputs = inputsOf(call.body.input);
	const dimensions = firstCount(call.body, ["dimensions"]) ?? DIMENSIONS;
	if (dimensions > DIMENSIONS_MAX) {
		throw new MockRefusal(400, `'dimensions' must be at most ${DIMENSIONS_MAX}.`, { param: "dimensions" });
	}
	const encode = call.body.encoding_format === "base64" ? toBase64 : (vector: Float32Array) => [...vector];
	const promptTokens = inputs.reduce((sum, input) => sum + countTokens(input), 0);
	return {
		kind: "json",
		body: {
			object: "list",
			data: inputs.map((input, index) => ({
				object: "embedding",
				index,
				embedding: encode(vectorOf(input, dimensions)),
			})),
			model: call.model,
			...(call.script.usage ? { usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } } : {}),
		},
	};
}

/** An input is a text, texts, token numbers, or lists of token numbers; a number counts as a word. */
function inputsOf(input: JsonValue | undefined): readonly string[] {
	if (typeof input === "string" && input !== "") {
		return [input];
	}
	if (!Array.isArray(input) || input.length === 0 || input.length > INPUTS_MAX) {
		throw new MockRefusal(400, `'input' must be a text or a list of 1 to ${INPUTS_MAX}.`, { param: "input" });
	}
	if (input.every((entry) => typeof entry === "number")) {
		return [input.join(" ")];
	}
	return input.map((entry) => (Array.isArray(entry) ? entry.join(" ") : String(entry)));
}

function vectorOf(text: string, dimensions: number): Float32Array {
	const sums = new Float64Array(dimensions);
	for (const [word] of text.toLowerCase().matchAll(/\S+/g)) {
		let hash = Bun.hash.wyhash(word);
		for (let component = 0; component < COMPONENTS_PER_WORD; component += 1) {
			const place = Number(hash % BigInt(dimensions));
			const sign = hash & 0x8000_0000_0000_0000n ? -1 : 1;
			sums[place] = (sums[place] ?? 0) + sign;
			hash = Bun.hash.wyhash(word, hash);
		}
	}
	const length = Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0));
	if (length === 0) {
		sums[0] = 1;
	}
	return Float32Array.from(sums, (value) => value / (length === 0 ? 1 : length));
}

/** Little-endian 32-bit floats, as OpenAI packs them. */
function toBase64(vector: Float32Array): string {
	const bytes = new DataView(new ArrayBuffer(vector.length * 4));
	for (const [index, value] of vector.entries()) {
		bytes.setFloat32(index * 4, value, true);
	}
	return Buffer.from(bytes.buffer).toString("base64");
}

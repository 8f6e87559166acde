import { bedrockConverse } from "../../../../src/dialects/bedrock-converse/translator.ts";
import type { Translation } from "../../../../src/dialects/translation.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import { GatewayError } from "../../../../src/lib/errors.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";

export const CLAUDE_45 = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
export const CLAUDE_4 = "anthropic.claude-sonnet-4-20250514-v1:0";
export const CLAUDE_46 = "global.anthropic.claude-opus-4-6-v1";
export const CLAUDE_47 = "anthropic.claude-opus-4-7";
export const CLAUDE_5 = "us.anthropic.claude-sonnet-5";
export const FABLE = "global.anthropic.claude-fable-5-1";
export const NOVA = "us.amazon.nova-pro-v1:0";
export const NOVA_2 = "us.amazon.nova-2-lite-v1:0";
export const LLAMA = "us.meta.llama3-3-70b-instruct-v1:0";
export const MISTRAL = "mistral.mistral-large-2402-v1:0";
export const GPT_OSS = "openai.gpt-oss-120b-1:0";
export const GPT = "us.openai.gpt-5.6-luna";
export const QWEN = "qwen.qwen3-32b-v1:0";
export const PROFILE = "arn:aws:bedrock:us-east-1:012345678901:application-inference-profile/a1b2c3d4e5f6";

export function translate(
	request: JsonObject,
	{ model = CLAUDE_45, stream = false, outputTokensMax = 4_096 } = {},
): Translation {
	return bedrockConverse.translate(
		{ model: "alias", messages: [{ role: "user", content: "Hi" }], ...request },
		{ model, stream, outputTokensMax, answerId: "01ANSWER", createdAtSeconds: 1_700_000_000 },
	);
}

/** A field of the body by its path; undefined where any step is missing. */
export function at(value: JsonValue | undefined, ...path: readonly (string | number)[]): JsonValue | undefined {
	let found: unknown = value;
	for (const step of path) {
		found = (found as Record<string | number, unknown> | undefined)?.[step];
	}
	return found as JsonValue | undefined;
}

/** The refusal of a request: status, field and code; undefined where it is not refused. */
export function refusal(run: () => unknown) {
	try {
		run();
	} catch (error) {
		if (error instanceof GatewayError) {
			return { status: error.status, param: error.param, code: error.code, message: error.message };
		}
		throw error;
	}
	return undefined;
}

export function calling(name: string, parameters: JsonObject = { type: "object", properties: {} }): JsonObject {
	return { type: "function", function: { name, parameters } };
}

/** What a client has made of a stream once it has added up its chunks. */
export function fold(events: readonly SseEvent[]) {
	const chunks: JsonObject[] = [];
	const text: string[] = [];
	const reasoning: string[] = [];
	const calls: { id: JsonValue | undefined; name: string; arguments: string }[] = [];
	const finishes: JsonValue[] = [];
	let extra: JsonObject = {};
	let usage: JsonValue | undefined;
	let error: JsonValue | undefined;
	let done = 0;
	for (const { data } of events) {
		if (data === "[DONE]") {
			done += 1;
			continue;
		}
		const chunk = JSON.parse(data) as JsonObject;
		chunks.push(chunk);
		usage = chunk.usage ?? usage;
		error = chunk.error ?? error;
		for (const choice of (chunk.choices ?? []) as { delta: JsonObject; finish_reason: string | null }[]) {
			const { content, reasoning_content, tool_calls, role, refusal: _, ...rest } = choice.delta;
			text.push(typeof content === "string" ? content : "");
			reasoning.push(typeof reasoning_content === "string" ? reasoning_content : "");
			for (const call of (tool_calls ?? []) as JsonObject[]) {
				const index = Number(call.index);
				const described = (call.function ?? call.custom) as JsonObject;
				calls[index] ??= { id: call.id, name: String(described.name), arguments: "" };
				calls[index].arguments += String(described.arguments ?? described.input ?? "");
			}
			extra = { ...extra, ...rest };
			if (choice.finish_reason !== null) {
				finishes.push(choice.finish_reason);
			}
		}
	}
	return { chunks, text: text.join(""), reasoning: reasoning.join(""), calls, finishes, extra, usage, error, done };
}

/** Events by name and payload, through a stream of this translation. */
export function play(translation: Translation, events: readonly (readonly [string, unknown])[], end = true) {
	const stream = translation.openStream();
	const told: SseEvent[] = [];
	for (const [name, payload] of events) {
		const step = stream.step({ name, data: JSON.stringify(payload) });
		if (step === "malformed") {
			throw new Error(`malformed: ${name}`);
		}
		told.push(...step);
	}
	return fold(end ? [...told, ...stream.end()] : told);
}

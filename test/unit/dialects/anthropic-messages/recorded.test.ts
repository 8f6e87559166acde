import { describe, expect, test } from "bun:test";
import {
	anthropicMessages,
	anthropicMessagesOnVertex,
} from "../../../../src/dialects/anthropic-messages/translator.ts";
import { isJsonObject, type JsonObject } from "../../../../src/lib/json-types.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";
import { type RecordedCase, recordedCases } from "../../../support/recorded.ts";
import { eventsOf, objects, type Said, saidStreamed, saidWhole, TARGET, text, translated } from "./support.ts";

const CASES = recordedCases(({ api }) => api === "anthropic.messages" || api === "vertex.anthropic");
const ANSWERED = CASES.filter(({ status }) => status === 200);
/** Not one answer but two: the second begins in the middle of the first. */
const SPLICED = /spliced-message-start/;

const FINISH: Readonly<Record<string, string>> = {
	end_turn: "stop",
	stop_sequence: "stop",
	pause_turn: "stop",
	max_tokens: "length",
	model_context_window_exceeded: "length",
	tool_use: "tool_calls",
	refusal: "content_filter",
};

/** What is compared: what the recording says, read by the table in the fixtures' README and by nothing of ours. */
interface Meaning {
	text: string;
	reasoning: string;
	calls: { id: string; name: string; arguments: unknown }[];
	finish: string | undefined;
	prompt: number;
	completion: number;
	cached: number;
}

function meaningOf(blocks: readonly JsonObject[], stop: unknown, usage: JsonObject): Meaning {
	const of = (type: string) => blocks.filter((block) => block.type === type);
	const number = (name: string) => Number(usage[name] ?? 0);
	return {
		text: of("text")
			.map((block) => text(block.text))
			.join(""),
		reasoning: of("thinking")
			.map((block) => text(block.thinking))
			.join(""),
		calls: of("tool_use").map(({ id, name, input }) => ({ id: text(id), name: text(name), arguments: input })),
		finish: FINISH[text(stop)],
		prompt: number("input_tokens") + number("cache_creation_input_tokens") + number("cache_read_input_tokens"),
		completion: number("output_tokens"),
		cached: number("cache_read_input_tokens"),
	};
}

function meaningOfStream(body: string): Meaning {
	const blocks: JsonObject[] = [];
	let usage: JsonObject = {};
	let stop: unknown;
	for (const line of body.split("\n")) {
		if (!line.startsWith("data:")) {
			continue;
		}
		const event = JSON.parse(line.slice(5)) as { type: string; index: number } & Record<string, JsonObject>;
		if (event.type === "message_start") {
			usage = { ...(event.message?.usage as JsonObject) };
		} else if (event.type === "content_block_start") {
			blocks[event.index] = { ...event.content_block, partial: "" };
		} else if (event.type === "content_block_delta") {
			addDelta(blocks[event.index] ?? {}, event.delta ?? {});
		} else if (event.type === "message_delta") {
			usage = { ...usage, ...event.usage };
			stop = event.delta?.stop_reason;
		} else if (event.type === "message_stop") {
			break;
		}
	}
	const complete = blocks.map((block) =>
		block.type === "tool_use" && block.partial !== "" ? { ...block, input: JSON.parse(text(block.partial)) } : block,
	);
	return meaningOf(complete, stop, usage);
}

function addDelta(block: JsonObject, delta: JsonObject): void {
	block.text = text(block.text) + text(delta.text);
	block.thinking = text(block.thinking) + text(delta.thinking);
	block.partial = text(block.partial) + text(delta.partial_json);
}

function meaningOfChat(said: Said): Meaning {
	const usage = said.usage ?? {};
	const details = isJsonObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
	return {
		text: said.text,
		reasoning: said.reasoning,
		calls: said.calls.map((call) => ({ ...call, arguments: JSON.parse(call.arguments) })),
		finish: said.finish,
		prompt: Number(usage.prompt_tokens),
		completion: Number(usage.completion_tokens),
		cached: Number(details.cached_tokens),
	};
}

function translationOf({ api, model, stream }: RecordedCase) {
	const by = api === "vertex.anthropic" ? anthropicMessagesOnVertex : anthropicMessages;
	return translated({ stream }, { by, stream, ...(model === undefined ? {} : { model }) });
}

describe("recorded answers mean in chat what they meant", () => {
	test.each(ANSWERED.filter(({ stream }) => !stream).map((recorded) => [recorded.id, recorded] as const))(
		"%s",
		(_id, recorded) => {
			const answer = JSON.parse(recorded.response.body.toString()) as JsonObject;
			const chat = translationOf(recorded).whole(answer) ?? {};
			expect(schemaFaults("CreateChatCompletionResponse", chat)).toEqual([]);
			const expected = meaningOf(
				objects(answer.content),
				answer.stop_reason,
				isJsonObject(answer.usage) ? answer.usage : {},
			);
			expect(meaningOfChat(saidWhole(chat))).toEqual(expected);
			expect(saidWhole(chat).id).toBe(text(answer.id));
		},
	);

	const streams = ANSWERED.filter(({ stream, id }) => stream && !SPLICED.test(id));
	test.each(streams.map((recorded) => [recorded.id, recorded] as const))("%s", (_id, recorded) => {
		const stream = translationOf(recorded).openStream();
		const chunks = eventsOf(recorded.response.body).flatMap((event) => {
			const step = stream.step(event);
			expect(step).not.toBe("malformed");
			return step === "malformed" ? [] : step;
		});
		expect(stream.end()).toEqual([]);
		for (const { json } of chunks) {
			expect(json === undefined ? [] : schemaFaults("CreateChatCompletionStreamResponse", json)).toEqual([]);
		}
		expect(chunks.at(-1)?.data).toBe("[DONE]");
		expect(meaningOfChat(saidStreamed(chunks))).toEqual(meaningOfStream(recorded.response.body.toString()));
	});

	test("a message spliced into another is no answer", () => {
		const spliced = ANSWERED.find(({ id }) => SPLICED.test(id));
		const stream = translated({}).openStream();
		const chunks = eventsOf(spliced?.response.body ?? Buffer.alloc(0)).flatMap((event) => stream.step(event) as never);
		expect(JSON.stringify(chunks.at(-1))).toContain("spliced_stream");
		expect(JSON.stringify(chunks)).not.toContain("toolu_second");
	});

	test.each(CASES.filter(({ status }) => status >= 400).map((recorded) => [recorded.id, recorded] as const))(
		"%s",
		(_id, recorded) => {
			const body = JSON.parse(recorded.response.body.toString()) as { error: { type: string; message: string } };
			const fault = translationOf(recorded).readFault(body as never, recorded.status);
			expect(fault).toMatchObject({ status: recorded.status, ...body.error });
		},
	);

	test("all of them were read", () => {
		expect(CASES.length).toBeGreaterThanOrEqual(131);
	});
});

/** A recorded request said in chat, by the plainest reading of Anthropic's words. */
function asChat(body: JsonObject): JsonObject {
	const system = objects(body.system).map((block) => ({ role: "system", content: [block] }));
	const messages = objects(body.messages).flatMap((turn): JsonObject[] => {
		const blocks = typeof turn.content === "string" ? [{ type: "text", text: turn.content }] : objects(turn.content);
		const results = blocks.filter(({ type }) => type === "tool_result");
		const calls = blocks.filter(({ type }) => type === "tool_use");
		const rest = blocks.filter(({ type }) => type !== "tool_result" && type !== "tool_use");
		return [
			...results.map((block) => ({ role: "tool", tool_call_id: block.tool_use_id, content: block.content })),
			...(rest.length + calls.length === 0
				? []
				: [
						{
							role: turn.role,
							content: rest.map(asPart),
							...(calls.length === 0
								? {}
								: {
										tool_calls: calls.map(({ id, name, input }) => ({
											id,
											type: "function",
											function: { name, arguments: JSON.stringify(input) },
										})),
									}),
						},
					]),
		] as JsonObject[];
	});
	const tools = objects(body.tools).map((tool) =>
		tool.input_schema === undefined
			? tool
			: {
					type: "function",
					function: { name: tool.name, description: tool.description, parameters: tool.input_schema },
				},
	);
	return {
		messages: [...system, ...messages],
		max_tokens: body.max_tokens,
		...(tools.length === 0 ? {} : { tools }),
		...(body.thinking === undefined ? {} : { thinking: body.thinking }),
		...(isJsonObject(body.tool_choice) ? { tool_choice: asChoice(body.tool_choice) } : {}),
	} as JsonObject;
}

function asPart(block: JsonObject): JsonObject {
	const source = isJsonObject(block.source) ? block.source : {};
	return block.type === "image" && source.type === "base64"
		? { type: "image_url", image_url: { url: `data:${text(source.media_type)};base64,${text(source.data)}` } }
		: block;
}

function asChoice({ type, name }: JsonObject) {
	return type === "any" ? "required" : type === "tool" ? { type: "function", function: { name } } : type;
}

/** Core fields, with the several ways to say one thing made one. */
function core(body: JsonObject): unknown {
	const blocks = (content: unknown): unknown =>
		typeof content === "string"
			? [{ type: "text", text: content }]
			: objects(content).map((block) => ({
					...block,
					...(block.type === "tool_result" ? { content: blocks(block.content) } : {}),
				}));
	const choice = isJsonObject(body.tool_choice) ? body.tool_choice : { type: "auto" };
	return {
		model: body.model,
		max_tokens: body.max_tokens,
		system: blocks(body.system),
		messages: objects(body.messages).map((turn) => ({ role: turn.role, content: blocks(turn.content) })),
		tools: objects(body.tools),
		choice: { type: choice.type, name: choice.name },
		thinking: body.thinking,
		stream: body.stream === true,
	};
}

describe("a chat request that means a recorded request becomes that request", () => {
	const sent = ANSWERED.flatMap((recorded) => {
		const body = recorded.request.body as JsonObject | null;
		return body === null || body.output_format !== undefined ? [] : [[recorded.id, recorded, body] as const];
	});

	test.each(sent)("%s", (_id, recorded, body) => {
		const by = recorded.api === "vertex.anthropic" ? anthropicMessagesOnVertex : anthropicMessages;
		const model = text(body.model) || (recorded.model ?? TARGET.model);
		const translation = translated(asChat(body), { by, model, stream: body.stream === true });
		expect(core(translation.body)).toEqual(core(body));
		expect(translation.dropped).toEqual([]);
	});

	test("there are many", () => {
		expect(sent.length).toBeGreaterThanOrEqual(50);
	});
});

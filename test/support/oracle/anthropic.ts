import { type Json, number, object, objects, parseJson, text } from "./json.ts";
import { closeCall, type OpenCall, type OracleAnswer, type OracleUsage } from "./types.ts";

/** `stop_reason` by the table. */
const FINISH: Readonly<Record<string, string>> = {
	end_turn: "stop",
	stop_sequence: "stop",
	max_tokens: "length",
	model_context_window_exceeded: "length",
	tool_use: "tool_calls",
	refusal: "content_filter",
};

/** A block of a message: as it came whole, or as its deltas made it. */
interface Block {
	type: string;
	text: string;
	thinking: string;
	seal: string;
	readonly call: OpenCall;
}

export function wholeAnthropic(body: string): OracleAnswer {
	const message = parseJson(body);
	return answerOf({
		message,
		blocks: objects(message.content).map(blockOf),
		stopReason: text(message.stop_reason),
		usage: object(message.usage),
	});
}

/** The first answer of the stream. Some recordings hold a whole agent loop: a stream is over with its `message_stop`. */
export function streamedAnthropic(data: readonly string[]): OracleAnswer {
	let message: Json = {};
	let usage: Json = {};
	let stopReason = "";
	const blocks: Block[] = [];
	const open = new Map<unknown, Block>();
	for (const event of data.map(parseJson)) {
		if (event.type === "message_stop") {
			break;
		}
		const delta = object(event.delta);
		switch (event.type) {
			case "message_start":
				message = object(event.message);
				stopReason = text(message.stop_reason);
				usage = object(message.usage);
				blocks.push(...objects(message.content).map(blockOf));
				break;
			case "content_block_start": {
				const block = blockOf(object(event.content_block));
				blocks.push(block);
				open.set(event.index, block);
				break;
			}
			case "content_block_delta":
				addDelta(open.get(event.index), delta);
				break;
			case "message_delta":
				stopReason = text(delta.stop_reason) || stopReason;
				usage = { ...usage, ...known(object(event.usage)) };
				break;
			default:
				break;
		}
	}
	return answerOf({ message, blocks, stopReason, usage });
}

function known(fields: Json): Json {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function blockOf(block: Json): Block {
	const input = object(block.input);
	const written = Object.keys(input).length === 0 ? "" : JSON.stringify(input);
	return {
		type: text(block.type),
		text: text(block.text),
		thinking: text(block.thinking),
		seal: text(block.signature) || text(block.data),
		call: { id: text(block.id), name: text(block.name), arguments: written },
	};
}

function addDelta(block: Block | undefined, delta: Json): void {
	if (block !== undefined) {
		block.text += text(delta.text);
		block.thinking += text(delta.thinking);
		block.seal += text(delta.signature);
		block.call.arguments += text(delta.partial_json);
	}
}

function answerOf(read: {
	readonly message: Json;
	readonly blocks: readonly Block[];
	readonly stopReason: string;
	readonly usage: Json;
}): OracleAnswer {
	const of = (type: string) => read.blocks.filter((block) => block.type === type);
	const thinking = read.blocks.filter(({ type }) => type === "thinking" || type === "redacted_thinking");
	return {
		text: of("text")
			.map((block) => block.text)
			.join(""),
		toolCalls: of("tool_use").map(({ call }) => closeCall(call)),
		finishReason: FINISH[read.stopReason],
		usage: usageOf(read.usage),
		reasoning: of("thinking")
			.map((block) => block.thinking)
			.join(""),
		seals: thinking.map(({ seal }) => seal).filter(Boolean),
		id: text(read.message.id) || undefined,
	};
}

function usageOf(usage: Json): OracleUsage | undefined {
	const input = number(usage.input_tokens);
	const output = number(usage.output_tokens);
	if (input === undefined || output === undefined) {
		return undefined;
	}
	const written = number(usage.cache_creation_input_tokens);
	const read = number(usage.cache_read_input_tokens);
	return {
		prompt: [input + (written ?? 0) + (read ?? 0)],
		completion: output,
		cached: read,
		cacheWrite: written,
		reasoning: undefined,
		searches: number(object(usage.server_tool_use).web_search_requests),
	};
}

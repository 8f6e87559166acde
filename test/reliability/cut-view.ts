import type { ChatCompletion, ChatCompletionChunk } from "openai/resources/chat/completions";
import { type Json, object, objects, parseJson, text } from "../support/oracle/json.ts";
import { readChunks, readCompletion } from "../support/sdk-client.ts";
import { finalCost, parseSse } from "../support/sse-events.ts";

/** An answer as its client understands it. */
export interface View {
	readonly text: string;
	/** Names and arguments of calls, as far as they came. */
	readonly calls: string;
	/** Events that tell a failure. */
	readonly errors: number;
	/** Such an event is the last one. */
	readonly endsInError: boolean;
	/** Events that say the answer is over: why it finished, and the protocol's own end. */
	readonly finishes: number;
	readonly ends: number;
	/** What the gateway says it cost, where it does. */
	readonly costUsd: string | undefined;
}

type Client = "chat" | "responses";

export function viewWhole(client: Client, body: string, costHeader: string | undefined): View {
	const json = parseJson(body);
	const said = client === "chat" ? wholeChat(json) : wholeResponse(json);
	return { ...said, errors: "error" in json && json.error !== null ? 1 : 0, endsInError: false, costUsd: costHeader };
}

export function viewStream(client: Client, body: string): View {
	const stream = parseSse(body);
	const events = stream.data.map((data) => (data === "[DONE]" ? {} : parseJson(data)));
	const isError = (event: Json) =>
		client === "chat" ? "error" in event : event.type === "error" || event.type === "response.failed";
	return {
		...(client === "chat" ? streamedChat(stream.data, events) : streamedResponse(events)),
		errors: events.filter(isError).length,
		endsInError: isError(events.at(-1) ?? {}),
		costUsd: finalCost(stream)?.cost_usd,
	};
}

type Said = Pick<View, "text" | "calls" | "finishes" | "ends">;

function wholeChat(json: Json): Said {
	// What else it may be shows in its fields: all are read as they come.
	const { text: said, toolCalls, finishReasons } = readCompletion(json as unknown as ChatCompletion);
	return { text: said, calls: JSON.stringify(toolCalls), finishes: finishReasons.length, ends: 1 };
}

function streamedChat(data: readonly string[], events: readonly Json[]): Said {
	// As above.
	const chunks = events.filter((event) => "choices" in event) as unknown as ChatCompletionChunk[];
	const { text: said, toolCalls, finishReasons } = readChunks(chunks);
	return {
		text: said,
		calls: JSON.stringify(toolCalls),
		finishes: finishReasons.length,
		ends: data.filter((line) => line === "[DONE]").length,
	};
}

function wholeResponse(json: Json): Said {
	const said = objects(json.output).flatMap((item) => objects(item.content).map((part) => text(part.text)));
	return { text: said.join(""), calls: "[]", finishes: 1, ends: json.status === "completed" ? 1 : 0 };
}

function streamedResponse(events: readonly Json[]): Said {
	const deltas = events.filter(({ type }) => type === "response.output_text.delta");
	const ends = events.filter(({ type }) => type === "response.completed");
	// A client takes its answer from the end, if there is one.
	const told = ends.map(({ response }) => wholeResponse(object(response)).text);
	const said = deltas.map(({ delta }) => text(delta)).join("");
	return {
		text: told[0] === undefined || told[0] === said ? said : `${said} but at its end ${told[0]}`,
		calls: "[]",
		finishes: ends.length,
		ends: ends.length,
	};
}

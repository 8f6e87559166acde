import type { JsonObject } from "../lib/json-types.ts";
import type { MockScript } from "./script.ts";

/** One request as the operations see it. */
export interface MockCall {
	readonly body: JsonObject;
	/** As sent; answers repeat it. */
	readonly model: string;
	readonly script: MockScript;
	readonly nowSeconds: number;
	newId(prefix: string): string;
}

/** One server-sent event, framed. */
export interface MockEvent {
	readonly frame: string;
	/** Counts as a token for pace and for `cut` and `stall`. */
	readonly token: boolean;
}

export type MockReply =
	| { readonly kind: "json"; readonly body: JsonObject }
	/** `failure` is how this operation tells an error inside a stream. */
	| { readonly kind: "events"; readonly events: Iterable<MockEvent>; readonly failure: MockEvent }
	| { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer>; readonly contentType: string };

export const DONE: MockEvent = { frame: "data: [DONE]\n\n", token: false };

/** An event that has only data, as most of OpenAI's streams do. */
export function dataEvent(data: JsonObject, options: { readonly token?: boolean } = {}): MockEvent {
	return { frame: `data: ${JSON.stringify(data)}\n\n`, token: options.token ?? false };
}

/** An event named by its `type` field, as the Responses API sends them. */
export function typedEvent(data: JsonObject & { readonly type: string }, token = false): MockEvent {
	return { frame: `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`, token };
}

export const STREAM_FAILURE: JsonObject = {
	error: {
		message: "The server had an error while processing your request. (mock)",
		type: "server_error",
		param: null,
		code: "server_error",
	},
};

/** The request is refused, in OpenAI's words and shape. */
export class MockRefusal extends Error {
	override readonly name = "MockRefusal";
	readonly status: number;
	readonly param: string | null;
	readonly code: string | null;

	constructor(
		status: number,
		message: string,
		detail: { readonly param?: string; readonly code?: string; readonly cause?: unknown } = {},
	) {
		super(message, { cause: detail.cause });
		this.status = status;
		this.param = detail.param ?? null;
		this.code = detail.code ?? null;
	}
}

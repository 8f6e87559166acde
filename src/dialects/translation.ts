import type { JsonObject } from "../lib/json-types.ts";
import type { SealFormat } from "./seal.ts";
import type { ProviderFault, SseEvent } from "./types.ts";

/** What a translator must know of where a request goes, besides the request itself. */
export interface Target {
	/** The provider's own name of the model. */
	readonly model: string;
	readonly stream: boolean;
	/**
	 * Output tokens of one answer that have been reserved: sent where the wire demands a bound and the client gave none.
	 * Where the client gave one, the request holds it already, clamped.
	 */
	readonly outputTokensMax: number;
	/** Names an answer whose provider gives it no id: unique, without a prefix. */
	readonly answerId: string;
	/** Unix seconds, for answers that are dated. */
	readonly createdAtSeconds: number;
}

/**
 * Speaks one wire format in the words of another: a provider's dialect in OpenAI's (`anthropic-messages` as chat), or
 * one operation of OpenAI by way of another (responses by chat). Pure: no I/O, no clock, no randomness beyond the target.
 */
export interface Translator {
	/**
	 * @param request The client's request in OpenAI's words, checked by the ingress. Never changed.
	 * @throws GatewayError 400 naming the field, where the target cannot say it and leaving it out would change the meaning.
	 */
	translate(request: JsonObject, target: Target): Translation;
	/** Whether what was sealed like this goes back to the model. Left out: nothing does. */
	reads?(seal: SealFormat, model: string): boolean;
}

/** One request on its way through a translator, and its answer on the way back. Made anew for each attempt. */
export interface Translation {
	/** What is sent. */
	readonly body: JsonObject;
	/** Headers that this request needs beside those of its provider (`anthropic-beta`). Lower-case names. */
	readonly headers?: Readonly<Record<string, string>>;
	/** Fields of the client's request that the target cannot express and that were left out: paths such as `logit_bias`. */
	readonly dropped: readonly string[];
	/**
	 * The whole answer (status 2xx) in the words of the request. undefined when it is no answer of this wire at all. A
	 * failure told inside becomes `{"error": {message, type, code, status}}`.
	 * @param headers Of the provider, for those that tell there what the body does not.
	 */
	whole(answer: JsonObject, headers?: Headers): JsonObject | undefined;
	openStream(): StreamTranslator;
	/**
	 * The answer as it is to be kept for the next turn, where that is more than the client asked to see (sealed thinking).
	 * undefined before its end.
	 */
	kept?(): JsonObject | undefined;
	/** A body with status 4xx or 5xx, or the payload of an error event (status undefined), in neutral words. */
	readFault(body: JsonObject, status: number | undefined): ProviderFault;
}

/** Rewrites the events of one stream. Holds its state. */
export interface StreamTranslator {
	/**
	 * The client's events for one of the provider's; none for pings and the like. `"malformed"` where it is not what it
	 * should be (not JSON): the stream may go on. Unknown event types are nothing, not malformed. After its own end: nothing.
	 * A failure told in the stream becomes one event whose data is `{"error": {message, type, code, status}}`.
	 */
	step(event: SseEvent): readonly SseEvent[] | "malformed";
	/**
	 * What is left to say when the provider has closed the stream: the closing events where the wire has no end of its own
	 * and everything that makes an answer complete has come; nothing when it was cut. Called once; nothing after an end.
	 */
	end(): readonly SseEvent[];
	/**
	 * What the provider has counted so far, as a chat answer's `usage`: for an answer that is given up before its end. The
	 * prompt's count is complete, the output's may lag behind. undefined while it has counted nothing.
	 */
	usageSoFar?(): JsonObject | undefined;
}

import type { OperationId, ProviderFault } from "../dialects/types.ts";
import type { JsonObject } from "../lib/json-types.ts";
import { servedHeaders } from "./answer-headers.ts";
import { refusedFor, refusedInside } from "./answer-refusal.ts";
import { type Answered, type AttemptContext, type AttemptResult, failed, givenUp } from "./attempt-result.ts";
import { isUnfinished, settleWhenDone } from "./background.ts";
import { boundedOutput } from "./bounded-output.ts";
import { failureOfFault, isRequestsFault } from "./failure.ts";
import { keepTurn } from "./keep-turn.ts";
import { parseObject, readAnswer } from "./read-answer.ts";
import type { AttemptFailure } from "./types.ts";

const encoder = new TextEncoder();

/** What an answer is made of. */
const SUBSTANCE: Readonly<Partial<Record<OperationId, string>>> = {
	chat: "choices",
	completions: "choices",
	embeddings: "data",
};

/**
 * Some servers tell a failure as a success of other words: `{"detail": "Not authenticated"}`, `"choices": null`. What is
 * merely unusual is the client's to judge: old servers answer in words of their own.
 */
function isEmptyHanded(json: JsonObject, operation: OperationId): boolean {
	const substance = SUBSTANCE[operation];
	if (substance === undefined || Array.isArray(json[substance])) {
		return false;
	}
	return json[substance] === null || typeof json.detail === "string" || typeof json.message === "string";
}

/** A JSON answer: read, counted, settled, then passed on: byte for byte where the provider speaks the client's words. */
export async function answerWhole(context: AttemptContext, head: Response): Promise<AttemptResult> {
	const { served, books, run, deps } = context;
	let bytes: Uint8Array<ArrayBuffer> | undefined;
	try {
		bytes = await readAnswer(head);
	} catch (error) {
		return givenUp(context, error, head.status);
	}
	const native = bytes === undefined ? undefined : parseObject(bytes);
	const { translation } = context.spoken;
	const json = native === undefined ? undefined : inClientsWords(context, native, head.headers);
	if (json === undefined || bytes === undefined) {
		return failed(context, invalid(head.status, "the answer is not what this provider's API promises"));
	}
	const reader = deps.dialects.readerOf[served.planned.ingress.operation];
	const fault = reader.fault(json);
	if (fault !== undefined) {
		return isRequestsFault(fault)
			? refusedWithin(context, head, fault, bytes)
			: failed(context, failureOfFault(fault, deps.runtime.clock.now()));
	}
	const { envelope, ingress } = served.planned;
	if (isEmptyHanded(json, ingress.operation)) {
		return failed(context, invalid(head.status, "an answer without its substance"));
	}
	if (envelope.stream && envelope.generates) {
		// A client that reads events could make nothing of it.
		return failed(context, invalid(head.status, "a whole answer where a stream was asked for"));
	}
	run.close();
	if (isUnfinished(json) && typeof json.id === "string" && served.deployment.provider.storedResponses) {
		settleWhenDone(context, json.id);
		return answered(context, head, bodyOf(context, bytes, json), { nano: context.books.estimateNano(0), final: false });
	}
	const usage = reader.usage(json);
	const costNano = await books.settle({
		outcome: "ok",
		status: head.status,
		seen: {
			usage,
			outputTokens: usage === undefined ? boundedOutput(reader.outputTokensSeen(json), context) : 0,
			// Only the Responses API keeps what it made under its id.
			objectId: reader.operation === "responses" && typeof json.id === "string" ? json.id : undefined,
		},
	});
	await keepTurn(context, json);
	const told =
		usage === undefined && translation !== undefined ? reader.withUsage?.(json, envelope.promptTokensMax) : json;
	return answered(context, head, bodyOf(context, bytes, told ?? json), { nano: costNano, final: true });
}

/** undefined: no answer of this wire. A translator that stumbles is our mistake, and must not leave the books open. */
function inClientsWords(
	{ spoken, deps }: AttemptContext,
	native: JsonObject,
	headers: Headers,
): JsonObject | undefined {
	if (spoken.translation === undefined) {
		return native;
	}
	try {
		return spoken.translation.whole(native, headers);
	} catch (error) {
		deps.runtime.logger.error("bug", { error: String(error), stack: error instanceof Error ? error.stack : undefined });
		return undefined;
	}
}

/** The provider's own bytes, or its answer in the client's words. */
function bodyOf({ spoken }: AttemptContext, bytes: Uint8Array<ArrayBuffer>, json: JsonObject): Uint8Array<ArrayBuffer> {
	return spoken.translation === undefined ? bytes : encoder.encode(JSON.stringify(json));
}

function answered(
	{ served, spoken }: AttemptContext,
	head: Response,
	bytes: Uint8Array<ArrayBuffer>,
	cost: Parameters<typeof servedHeaders>[2],
): Answered {
	const headers = servedHeaders(served, head.headers, cost);
	if (spoken.translation !== undefined || headers["content-type"] === undefined) {
		headers["content-type"] = "application/json";
	}
	return { kind: "answered", inMotion: false, response: new Response(bytes, { status: head.status, headers }) };
}

/**
 * A request that is refused by an answer whose status says success. Azure tells so that its content filter stopped a
 * prompt, with a 400 inside: passed on as it was said. In other words than the client's a failure is told by its status.
 */
async function refusedWithin(
	context: AttemptContext,
	head: Response,
	fault: ProviderFault,
	bytes: Uint8Array<ArrayBuffer>,
): Promise<AttemptResult> {
	const refusal =
		context.spoken.translation === undefined
			? await passedOn(context, head, bytes)
			: await refusedInside(context, head, fault);
	return refusedFor(context, fault, refusal);
}

async function passedOn(context: AttemptContext, head: Response, bytes: Uint8Array<ArrayBuffer>): Promise<Answered> {
	context.run.close();
	await context.books.settle({ outcome: "refused", status: head.status });
	return answered(context, head, bytes, { nano: 0, final: true });
}

function invalid(status: number, detail: string): AttemptFailure {
	return { class: "invalid_response", status, retryAfterMs: undefined, detail };
}

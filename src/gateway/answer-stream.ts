import type { ProviderFault } from "../dialects/types.ts";
import { GatewayError } from "../lib/errors.ts";
import { formatUsd } from "../lib/money.ts";
import { completionTokens, promptTokens } from "../lib/usage.ts";
import { servedHeaders } from "./answer-headers.ts";
import { refusedFor, refusedInside } from "./answer-refusal.ts";
import { type AttemptContext, type AttemptResult, failed, givenUp } from "./attempt-result.ts";
import { settleWhenDone } from "./background.ts";
import type { ClientSink } from "./client-stream.ts";
import { isRequestsFault } from "./failure.ts";
import { keepTurn } from "./keep-turn.ts";
import type { LeaveReason } from "./live.ts";
import { brokenStream, type Passage, type Passages, readPassages } from "./passages.ts";
import { errorEvent, leftError } from "./refuse.ts";
import { BrokenAnswer, relay } from "./relay.ts";
import type { Seen } from "./settle.ts";
import type { AttemptFailure } from "./types.ts";
import { isUnreadableState } from "./unreadable-state.ts";

/** The head is held back until there is something to show, but not for ever: proxies give up on silent servers. */
const COMMIT_AFTER_MS = 15_000;
const encoder = new TextEncoder();
const ENDED_EARLY = "the stream ended before its answer did";
const KEEP_ALIVE = encoder.encode(": keep-alive\n\n");

/**
 * A stream: held until its first content (so that any failure before it stays invisible), then passed on event by event,
 * byte for byte. The end of the stream waits for the ledger.
 */
export async function answerStream(context: AttemptContext, head: Response): Promise<AttemptResult> {
	const { served, run, books, deps } = context;
	if (head.body === null) {
		return failed(context, { class: "empty_stream", status: head.status, retryAfterMs: undefined, detail: "no body" });
	}
	const idleMs = deps.config.current().server.streamIdleTimeoutMs;
	const contentType = head.headers.get("content-type") ?? "";
	const passages = readPassages(context, { body: head.body, contentType }, idleMs);
	let opened: Opening;
	try {
		opened = await untilContent(passages, context);
	} catch (error) {
		return unopened(context, head, error, passages.reader.fault());
	}
	run.moving(idleMs);
	if (opened.pending === undefined) {
		books.firstToken();
	} else {
		// The head goes for want of time: the first token is still to come. Whoever pumps hears of a failure.
		opened.pending.then(books.firstToken, () => undefined);
	}
	const body = relay(context, {
		pump: (sink) => pump(context, passages, opened, head.status, sink),
		seen: () => seenOf(passages),
		errorEvent: (ending) => lastEvent(ending, passages),
		goesOn: (seen) => settleLaterIfBackground(context, seen),
		keepAlive: KEEP_ALIVE,
	});
	const headers = servedHeaders(served, head.headers, { nano: books.estimateNano(0), final: false });
	if (context.spoken.translation !== undefined || headers["content-type"] === undefined) {
		headers["content-type"] = "text/event-stream; charset=utf-8";
	}
	headers["cache-control"] = "no-cache";
	// nginx would collect the events otherwise.
	headers["x-accel-buffering"] = "no";
	return { kind: "answered", inMotion: true, response: new Response(body, { status: head.status, headers }) };
}

/** Nothing of it has reached the client. That the request itself is at fault may be said in the first event. */
async function unopened(
	context: AttemptContext,
	head: Response,
	error: unknown,
	fault: ProviderFault | undefined,
): Promise<AttemptResult> {
	if (!(error instanceof BrokenAnswer)) {
		return givenUp(context, error, head.status);
	}
	const isUnreadable = fault !== undefined && context.sent.length > 0 && isUnreadableState(fault);
	if (fault === undefined || fault.botched === true || !(isUnreadable || isRequestsFault(fault))) {
		return failed(context, error.failure);
	}
	context.run.abort();
	return refusedFor(context, fault, await refusedInside(context, head, fault));
}

/** `background: true` with `stream: true`: the provider goes on without a reader, and is paid for what it does. */
function settleLaterIfBackground(context: AttemptContext, { objectId, usage }: Seen): boolean {
	const { body } = context.served.planned;
	if (body.kind !== "json" || body.json.background !== true || objectId === undefined || usage !== undefined) {
		return false;
	}
	settleWhenDone(context, objectId);
	return true;
}

function seenOf({ reader, usage, outputTokensSeen }: Passages): Seen {
	return { usage: usage(), outputTokens: outputTokensSeen(), objectId: reader.objectId() };
}

interface Opening {
	readonly held: readonly Passage[];
	/** A read that was under way when the head was sent without content. */
	readonly pending: Promise<Passage[] | undefined> | undefined;
}

/** The first-chunk gate. Throws BrokenAnswer for every way in which a stream can fail before its first content. */
async function untilContent(passages: Passages, context: AttemptContext): Promise<Opening> {
	const held: Passage[] = [];
	let commitNow: (value: "commit") => void = () => undefined;
	const commit = new Promise<"commit">((resolve) => {
		commitNow = resolve;
	});
	const deadline = context.deps.runtime.deadlines.after(commitAfterMs(context), () => commitNow("commit"));
	try {
		for (;;) {
			const pending = passages.next();
			const arrived = await Promise.race([pending, commit]);
			if (arrived === "commit") {
				pending.catch(() => {
					// Whoever pumps awaits it; should the client leave before that, nobody does.
				});
				return { held, pending };
			}
			held.push(...(arrived ?? []));
			if (passages.answered()) {
				if (passages.cut()) {
					// Its first content came with its end, and nobody has seen it yet.
					throw new BrokenAnswer(brokenStream(ENDED_EARLY));
				}
				return { held, pending: undefined };
			}
			if (arrived === undefined || held.some(({ step }) => step === "end")) {
				return emptyStream(held, arrived === undefined, context);
			}
		}
	} finally {
		deadline.clear();
	}
}

/** While another deployment could take over, the head waits as long as the first token may take. */
function commitAfterMs({ isLast, run }: AttemptContext): number {
	return isLast ? COMMIT_AFTER_MS : Math.max(COMMIT_AFTER_MS, run.ttftMs ?? 0);
}

/** Ended without content: another deployment may do better; the last one's emptiness is passed on, if it was a proper end. */
function emptyStream(held: readonly Passage[], cut: boolean, context: AttemptContext): Opening {
	if (cut || !context.isLast) {
		throw new BrokenAnswer({
			class: "empty_stream",
			status: undefined,
			retryAfterMs: undefined,
			detail: "ended before any content",
		});
	}
	return { held, pending: undefined };
}

async function pump(
	context: AttemptContext,
	passages: Passages,
	opened: Opening,
	status: number,
	sink: ClientSink,
): Promise<void> {
	const hideUsage = !context.served.planned.envelope.includeUsage;
	const stopAfter = outputTokensStop(context);
	let batch: readonly Passage[] | undefined = opened.held;
	let pending = opened.pending;
	while (batch !== undefined) {
		const endAt = batch.findIndex(({ step }) => step === "end");
		const before = endAt === -1 ? batch : batch.slice(0, endAt);
		await writeAll(
			before.filter(({ step }) => step !== "usage" || !hideUsage),
			sink,
		);
		if (endAt !== -1) {
			await finish(context, passages, status, batch[endAt]?.bytes, sink);
			passages.drain();
			return;
		}
		if (passages.reader.outputTokensSeen() > stopAfter) {
			throw new BrokenAnswer(brokenStream("more output than was asked for"));
		}
		batch = await (pending ?? passages.next());
		pending = undefined;
	}
	if (!passages.reader.finished()) {
		// A clean end of the connection proves nothing: the protocol's own end never came.
		throw new BrokenAnswer(brokenStream(ENDED_EARLY));
	}
	await finish(context, passages, status, undefined, sink);
}

/**
 * A provider that sends more than this pays no heed to the bound it was given: the stream is stopped. Twice the bound,
 * since the gateway's count of a stream is an estimate.
 */
function outputTokensStop({ served, terms }: AttemptContext): number {
	const { envelope } = served.planned;
	const bound = terms.outputTokensClamp ?? envelope.maxOutputTokens;
	return envelope.generates && bound !== undefined ? 2 * bound * envelope.choices : Number.POSITIVE_INFINITY;
}

/** Settles, tells the final cost in a comment, and only then lets the end through. */
async function finish(
	context: AttemptContext,
	passages: Passages,
	status: number,
	lastEvent: Uint8Array | undefined,
	sink: ClientSink,
): Promise<void> {
	const costNano = await context.books.settle({ outcome: "ok", status, seen: seenOf(passages) });
	await keepTurn(context, passages.reader.answer?.());
	const usage = passages.reader.usage();
	const told = {
		cost_usd: formatUsd(costNano),
		...(usage === undefined
			? {}
			: { usage: { prompt_tokens: promptTokens(usage), completion_tokens: completionTokens(usage) } }),
	};
	const comment = encoder.encode(`: gateway ${JSON.stringify(told)}\n\n`);
	await sink.write(lastEvent === undefined ? comment : Buffer.concat([comment, lastEvent]));
}

/** Neighbours in memory are written in one piece. */
async function writeAll(passages: readonly Passage[], sink: ClientSink): Promise<void> {
	let run: Uint8Array | undefined;
	for (const { bytes } of passages) {
		if (run !== undefined && run.buffer === bytes.buffer && run.byteOffset + run.length === bytes.byteOffset) {
			run = new Uint8Array(run.buffer, run.byteOffset, run.length + bytes.length);
			continue;
		}
		if (run !== undefined) {
			await sink.write(run);
		}
		run = bytes;
	}
	if (run !== undefined) {
		await sink.write(run);
	}
}

/** The provider's own words where it had any, else the gateway's. */
function lastEvent(ending: AttemptFailure | LeaveReason, { reader, errorEvent: told }: Passages): Uint8Array {
	return typeof ending === "string"
		? errorEvent(leftError(ending), reader)
		: (told() ?? errorEvent(brokenOff(ending), reader));
}

function brokenOff(failure: AttemptFailure): GatewayError {
	const timedOut = failure.class === "idle_timeout" || failure.class === "total_timeout";
	return new GatewayError({
		status: timedOut ? 504 : 502,
		type: timedOut ? "upstream_timeout" : "upstream_error",
		message: `The answer broke off (${failure.class.replaceAll("_", " ")}).`,
		code: failure.class,
	});
}

import type { JsonObject } from "../lib/json-types.ts";
import type { AttemptContext } from "./attempt-result.ts";
import { parseObject, readAnswer } from "./read-answer.ts";
import { storedResponseUrl } from "./stored-url.ts";
import { upstreamHeaders } from "./upstream-headers.ts";

/** How long to wait before asking again: a little at first, then ever longer. */
const ASK_AFTER_MS = [1_000, 2_000, 5_000, 10_000, 30_000] as const;
/** A provider that does not answer such a question by then is asked again later. */
const ANSWER_WITHIN_MS = 30_000;
/** Responses waited for at once. Beyond it the next one asked about is charged by its bound. */
const PENDING_MAX = 10_000;
/** What is not done by then will never be: it is charged by the bound on its length. */
const GIVE_UP_AFTER_MS = 24 * 60 * 60 * 1000;

/** A response of `background: true`: the provider has taken the request and goes on by itself. */
export function isUnfinished(answer: JsonObject): boolean {
	return answer.object === "response" && (answer.status === "queued" || answer.status === "in_progress");
}

let pendingCount = 0;

/**
 * Keeps an attempt open until the provider says what a background response consumed, whether or not the client comes
 * back to read it: its reservation stands meanwhile, and a restart charges it like any attempt a crash left open.
 */
export function settleWhenDone(context: AttemptContext, responseId: string): void {
	const { clock } = context.deps.runtime;
	const startedAtMs = clock.monotonic();
	context.books.firstToken();
	context.books.claim(responseId);
	pendingCount += 1;

	async function ask(asked: number): Promise<void> {
		const state = await readState(context, responseId);
		const patient = clock.monotonic() - startedAtMs < GIVE_UP_AFTER_MS && pendingCount <= PENDING_MAX;
		if (state === "unknown" && patient) {
			askLater(asked + 1);
			return;
		}
		pendingCount -= 1;
		const usage = state === "unknown" || state === "gone" ? undefined : readerOf(context).usage(state);
		// What was reserved for, where nobody will ever say what was used of it.
		const outputTokens = usage === undefined ? context.terms.outputTokensMax : 0;
		await context.books.settle({ outcome: "ok", status: 200, seen: { usage, outputTokens, objectId: responseId } });
	}
	function askLater(asked: number): void {
		const afterMs = ASK_AFTER_MS[Math.min(asked, ASK_AFTER_MS.length - 1)];
		setTimeout(() => void ask(asked), afterMs).unref();
	}
	askLater(0);
}

/** The response once it is over; "gone" when the provider no longer has it; "unknown" while neither can be said. */
async function readState(
	{ served, deps }: AttemptContext,
	responseId: string,
): Promise<JsonObject | "gone" | "unknown"> {
	const { deployment, planned } = served;
	const controller = new AbortController();
	const deadline = deps.runtime.deadlines.after(ANSWER_WITHIN_MS, () => controller.abort());
	try {
		const head = await deps.runtime.send({
			method: "GET",
			url: storedResponseUrl(deployment, encodeURIComponent(responseId)),
			headers: upstreamHeaders(deployment, planned.scope.requestId),
			body: undefined,
			signal: controller.signal,
		});
		const bytes = await readAnswer(head);
		const answer = bytes === undefined ? undefined : parseObject(bytes);
		if (head.status === 404) {
			return "gone";
		}
		return head.status !== 200 || answer === undefined || isUnfinished(answer) ? "unknown" : answer;
	} catch {
		// Out of reach for now: asked again later.
		return "unknown";
	} finally {
		deadline.clear();
	}
}

function readerOf({ deps, served }: AttemptContext) {
	return deps.dialects.readerOf[served.planned.ingress.operation];
}

import { nanoOf } from "../support/cost-formula.ts";
import { contentOf } from "./routing-fates.ts";
import type { Network } from "./routing-network.ts";
import type { Scenario } from "./routing-scenario.ts";
import type { StandingRules } from "./routing-standing-rules.ts";
import { type Asked, type Fail, failuresOf, type Row } from "./routing-state.ts";
import type { SimulatedTime } from "./routing-time.ts";

/** What a client has got. */
export interface Received {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	/** The connection was reset. */
	readonly broke: boolean;
}

interface ErrorWords {
	readonly error: { readonly code: string | null; readonly kind?: string; readonly retry_after_seconds?: number };
}

/** Then a head goes without: proxies give up on silent servers. */
const COMMIT_AFTER_MS = 15_000;
const TIMEOUTS = ["connect_timeout", "ttft_timeout", "idle_timeout", "total_timeout", "upstream_timeout_status"];
const RATE_LIMITS = ["rate_limited", "quota"];
const OWN_LIMITS = ["rpm", "tpm", "parallel", "budget"];

/** What clients may be told: SPEC §9 and RELIABILITY §3, checked at each answer's end. */
export function createAnswerRules(deps: {
	readonly scenario: Scenario;
	readonly time: SimulatedTime;
	readonly network: Network;
	readonly standing: StandingRules;
	readonly isEnabled: (deploymentId: string) => boolean;
	readonly concurrent: () => number;
	readonly fail: Fail;
}) {
	const { time, network, fail } = deps;

	/** Its head has come. */
	function began(asked: Asked, { status, headers }: Pick<Received, "status" | "headers">): void {
		if (status !== 200 || !headers.has("x-gateway-decision")) {
			return;
		}
		deps.standing.served();
		const row = asked.rows.at(-1);
		const hasToken = !asked.plan.stream || (row?.call?.given ?? 0) > 0;
		if (!hasToken && time.clock.monotonic() - (row?.openedMs ?? 0) < COMMIT_AFTER_MS) {
			fail("a stream begins with its first token", { request: asked.number });
		}
	}

	function ended(asked: Asked, received: Received): void {
		const facts = { request: asked.number, status: received.status, text: received.text.slice(0, 300) };
		if (asked.rows.some(({ closing }) => closing === undefined)) {
			fail("the books are closed before an answer ends", facts);
		}
		if (received.status === 200) {
			checkSuccess(asked, received, facts);
			return;
		}
		const words = errorOf(received.text);
		if (words === undefined || received.status === 500 || received.broke) {
			fail("errors are the gateway's own words, and never its bugs", facts);
			return;
		}
		const isLimited = received.status === 429 && OWN_LIMITS.includes(words.kind ?? "");
		if (isLimited && words.kind !== "budget") {
			if (asked.rows.length > 0) {
				fail("what a limit refuses reaches nobody", facts);
			}
			return;
		}
		if (received.status === 400) {
			const row = asked.rows.at(-1);
			if (asked.plan.kind === "fine" || row?.closing?.outcome !== "refused") {
				fail("400 is the provider's word about the request", facts);
			}
			return;
		}
		if (words.kind !== "budget") {
			checkFailure(asked, received, words, facts);
			checkNobodyWasWell(asked, facts);
		}
	}

	function checkFailure(
		asked: Asked,
		received: Received,
		words: ErrorWords["error"],
		facts: Readonly<Record<string, unknown>>,
	): void {
		if (asked.suited.length === 0) {
			// Out of rotation, or without a price: no time helps.
			if (received.status !== 503 && received.status !== 403) {
				fail("who can never serve is told of as such", facts);
			}
			return;
		}
		if (received.headers.get("x-should-retry") !== "false") {
			fail("the gateway is the only one that retries", facts);
		}
		const classes = failuresOf(asked).map(({ closing }) => closing?.errorClass ?? "");
		if (classes.length > 0) {
			const all = (of: readonly string[]) => classes.every((name) => of.includes(name));
			const status = all(RATE_LIMITS) ? 429 : all(TIMEOUTS) ? 504 : 502;
			if (received.status !== status) {
				fail("the status tells how all attempts failed", { ...facts, classes, expected: status });
			}
			return;
		}
		// Nobody was asked: at once, and with the time at which it is worth coming back.
		if (time.clock.monotonic() !== asked.arrivedMs || asked.rows.length > 0) {
			fail("a refusal without an attempt comes at once", facts);
		}
		if (asked.available.length > 0) {
			fail("nobody is refused while somebody could be asked", { ...facts, available: asked.available });
		}
		const cooling = asked.suited.filter((id) => deps.standing.coolingUntilMs(id) > asked.arrivedMs);
		const expected = cooling.length === asked.suited.length ? 429 : 503;
		if (received.status !== expected) {
			fail("429 where all are limited, 503 where one is failing", { ...facts, expected });
		}
		const waitS = words.retry_after_seconds ?? 0;
		const exactS = (asked.recoveryMs - asked.arrivedMs) / 1_000;
		if (waitS < exactS || waitS > Math.max(1, exactS + 1)) {
			fail("Retry-After is the earliest recovery", { ...facts, waitS, exactS });
		}
		if (received.headers.get("retry-after") !== String(waitS)) {
			fail("Retry-After is the same in header and body", facts);
		}
	}

	/** A failure may be seen only where no deployment would have answered, had it been asked. */
	function checkNobodyWasWell(asked: Asked, facts: Readonly<Record<string, unknown>>): void {
		if (asked.hasLeft || asked.plan.kind !== "fine") {
			return;
		}
		const nowMs = time.clock.monotonic();
		const tried = new Set(asked.rows.map(({ opening }) => opening.deploymentId));
		const retries = deps.scenario.alias.retries;
		const fresh = asked.available.filter((id) => !tried.has(id));
		const well = fresh.filter((id) => isSteady(asked, id, nowMs));
		const mayRetry =
			!asked.hasBudget && failuresOf(asked).length <= retries && deps.standing.retriesMaySuffice(deps.concurrent());
		if (well.length > 0 && mayRetry) {
			fail("no client sees a failure while somebody is well", { ...facts, well });
		}
		const failedWell = asked.rows.filter((row) => isWellAll(row, nowMs));
		if (failedWell.length > 0) {
			fail("one that is well does not fail", { ...facts, rows: failedWell.map(describe) });
		}
	}

	function isSteady(asked: Asked, id: string, nowMs: number): boolean {
		return (
			network.wasWell(id, asked.arrivedMs, nowMs) &&
			deps.isEnabled(id) &&
			!deps.standing.wasTroubled(id, asked.arrivedMs)
		);
	}

	function isWellAll({ opening, openedMs, closing, call }: Row, nowMs: number): boolean {
		return (
			call?.isStale === false &&
			closing?.outcome === "upstream_failed" &&
			network.wasWell(opening.deploymentId, openedMs, nowMs)
		);
	}

	function checkSuccess(asked: Asked, received: Received, facts: Readonly<Record<string, unknown>>): void {
		const row = asked.rows.at(-1);
		const { call, closing } = row ?? {};
		if (call === undefined || closing === undefined) {
			fail("an answer is somebody's", facts);
			return;
		}
		const said = asked.plan.stream ? readStream(received.text) : readWhole(received);
		const whole = contentOf(call.id, call.fate.tokens);
		if (said.isComplete ? said.content !== whole : !whole.startsWith(said.content)) {
			fail("an answer is one deployment's, whole and unmixed", { ...facts, call: call.id, content: said.content });
		}
		if (said.isComplete !== (closing.outcome === "ok") || (said.isComplete && said.hasError)) {
			fail("an answer ends as it is booked", { ...facts, closing });
		}
		if (!said.isComplete && !said.hasError && !received.broke) {
			fail("an answer that breaks off says so", facts);
		}
		if (said.isComplete && nanoOf(said.costUsd) !== closing.costNano) {
			fail("the client is told what is in the ledger", { ...facts, told: said.costUsd, costNano: closing.costNano });
		}
		if (received.headers.get("x-gateway-retries") !== String(failuresOf(asked).filter((one) => one !== row).length)) {
			fail("the client is told how often it was tried", facts);
		}
		if (!said.isComplete && isWellAll(row ?? neverRow(), time.clock.monotonic())) {
			fail("one that is well does not fail", facts);
		}
	}

	return { began, ended };
}

function neverRow(): never {
	throw new Error("a call without a row");
}

function describe({ opening, closing, openedMs, call }: Row) {
	return { deployment: opening.deploymentId, openedMs, call: call?.id, class: closing?.errorClass };
}

function errorOf(text: string): ErrorWords["error"] | undefined {
	try {
		// Read for what it should be.
		return (JSON.parse(text) as ErrorWords).error;
	} catch {
		return undefined;
	}
}

interface Said {
	readonly content: string;
	readonly isComplete: boolean;
	readonly hasError: boolean;
	readonly costUsd: string | undefined;
}

function readWhole({ text, headers }: Received): Said {
	// The network's own JSON.
	const { choices } = JSON.parse(text) as { choices: readonly { message: { content: string } }[] };
	const content = choices[0]?.message.content ?? "";
	return { content, isComplete: true, hasError: false, costUsd: headers.get("x-gateway-cost-usd") ?? undefined };
}

const PIECE = /"content":"([^"]*)"/g;

function readStream(text: string): Said {
	return {
		content: Array.from(text.matchAll(PIECE), ([, piece]) => piece).join(""),
		isComplete: text.endsWith("data: [DONE]\n\n"),
		hasError: text.includes('"error":{'),
		costUsd: /"cost_usd":"([0-9.]+)"/.exec(text)?.[1],
	};
}

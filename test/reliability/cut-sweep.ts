import { type GatewayProcess, startGatewayProcess } from "../support/process.ts";
import { bytesStep } from "../support/replies.ts";
import { type Reply, type Step, startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until } from "../support/wait.ts";
import { type BookRow, readSqliteBooks } from "./books.ts";
import type { CutAnswer, How } from "./cut-answers.ts";
import { faultsOf, type Outcome } from "./cut-verdict.ts";
import { exchange } from "./exchange.ts";

/** One death: of this answer, after so many bytes, in this way. */
export interface Cut {
	readonly answer: CutAnswer;
	readonly how: How;
	readonly offset: number;
}

export function nameOf({ answer, how, offset }: Cut): string {
	return `${answer.name} ${how} ${offset}`;
}

/** Each cut has an alias, and so deployments, of its own: no breaker and no budget of retries is inherited. */
const CUTS_A_GATEWAY = 1_000;
const AT_ONCE = 64;
/** Silence that counts as death. Only what hangs is held to it: a busy machine is no dead provider. */
const SILENT_MS = 200;
const PATIENT_MS = 15_000;
const EXCHANGE_MS = 20_000;

/** Runs every cut. @returns What was wrong, a line each that begins with the name of its cut. */
export async function sweep(cuts: readonly Cut[]): Promise<string[]> {
	const faults: string[] = [];
	// Those that wait and those that work do not keep each other from it. All have ended before one's failure is told.
	const sweeps = await Promise.allSettled(
		[cuts.filter(({ how }) => how === "hang"), cuts.filter(({ how }) => how !== "hang")].map(async (kind) => {
			for (let start = 0; start < kind.length; start += CUTS_A_GATEWAY) {
				faults.push(...(await sweepOne(kind.slice(start, start + CUTS_A_GATEWAY))));
			}
		}),
	);
	for (const one of sweeps) {
		if (one.status === "rejected") {
			throw one.reason;
		}
	}
	return faults;
}

async function sweepOne(cuts: readonly Cut[]): Promise<string[]> {
	const doors = cuts.map(() => ({ spoken: gate(), ended: gate() }));
	await using dying = await startUpstream(({ target }) => {
		const index = indexIn(target);
		const [cut, door] = [cuts[index], doors[index]];
		if (cut === undefined || door === undefined) {
			throw new Error(`nobody is at ${target}`);
		}
		return dyingReply(cut, door.spoken.opened, door.ended.opened);
	});
	await using healthy = await startUpstream((request) => {
		const answer = cuts[indexIn(request.target)]?.answer;
		if (answer === undefined) {
			throw new Error(`nobody is at ${request.target}`);
		}
		return answer.dialect.good(request, answer.stream);
	});
	await using gateway = await startGatewayProcess(configOf(cuts, dying, healthy));
	const { key } = await gateway.mint({ name: "cuts" });
	const outcomes: Outcome[] = [];
	let next = 0;
	async function client(): Promise<void> {
		for (let index = next++; index < cuts.length; index = next++) {
			const [cut, door] = [cuts[index], doors[index]];
			if (cut !== undefined && door !== undefined) {
				outcomes[index] = await ask(cut, { gateway, key, alias: `c${index}`, spoken: door.spoken.open });
				door.spoken.open();
				door.ended.open();
			}
		}
	}
	await Promise.all(Array.from({ length: AT_ONCE }, client));
	const rows = await settledRows(gateway);
	const calls = [dying, healthy].map(callsByIndex);
	return cuts.flatMap((cut, index) => {
		const outcome = outcomes[index];
		const asked = calls.map((byIndex) => byIndex.get(index) ?? 0);
		return outcome === undefined
			? [`${nameOf(cut)}: was not asked`]
			: faultsOf(cut, outcome, rows.get(outcome.requestId) ?? [], asked).map((fault) => `${nameOf(cut)}: ${fault}`);
	});
}

function indexIn(target: string): number {
	return Number(/^\/c(\d+)\//.exec(target)?.[1] ?? Number.NaN);
}

function callsByIndex({ requests }: Upstream): ReadonlyMap<number, number> {
	const calls = new Map<number, number>();
	for (const { target } of requests) {
		calls.set(indexIn(target), (calls.get(indexIn(target)) ?? 0) + 1);
	}
	return calls;
}

function configOf(cuts: readonly Cut[], dying: Upstream, healthy: Upstream): Parameters<typeof startGatewayProcess>[0] {
	const hangs = cuts[0]?.how === "hang";
	const aliases = cuts.map(({ answer: { dialect, stream, stageAt }, how, offset }, index) => {
		const stage = stageAt(offset, how);
		// What is read whole shows nothing before its end.
		const isUnheard = stage === "silent" || (!stream && stage === "ending");
		const firstToken = hangs && isUnheard ? SILENT_MS : PATIENT_MS;
		const timeouts = { timeout: `${PATIENT_MS}ms`, ttft_timeout: `${firstToken}ms` };
		const first = { ...dialect.deployment(`${dying.url}/c${index}`), ...timeouts, priority: 1 };
		const second = { ...dialect.deployment(`${healthy.url}/c${index}`), timeout: `${PATIENT_MS}ms`, priority: 2 };
		return [`c${index}`, { deployments: [first, second] }] as const;
	});
	return {
		config: {
			aliases: Object.fromEntries(aliases),
			server: { stream_idle_timeout: `${hangs ? SILENT_MS : PATIENT_MS}ms` },
		},
	};
}

/**
 * The first bytes, and death. Once it has spoken, only after the client has heard it: what comes together with the end of
 * a connection may be lost with it, and then nothing was said. Nobody dies of what is over until its client knows so.
 */
function dyingReply({ answer, how, offset }: Cut, spoken: Promise<unknown>, ended: Promise<unknown>): Reply {
	const { wire, firstToken } = answer;
	const stage = answer.stageAt(offset, how);
	// An answer that has all come by its own framing keeps its connection: to die then is to die of the next request.
	const isAll = offset === wire.length && !answer.name.endsWith("close");
	const end: Step[] = isAll ? [] : [{ kind: how }];
	const bytes = (from: number, to: number): Step[] => (from < to ? [bytesStep(wire.subarray(from, to))] : []);
	if (how === "hang" || stage === "silent" || !answer.stream) {
		return { steps: [...bytes(0, offset), ...end] };
	}
	const waits: Step[] = stage === "over" && offset < wire.length ? [{ kind: "wait", until: ended }] : [];
	return {
		steps: [...bytes(0, firstToken), { kind: "wait", until: spoken }, ...bytes(firstToken, offset), ...waits, ...end],
	};
}

/** What only an answer with output in it holds. */
const OUTPUT = /"content":"[^"]|"arguments":|_text\.delta"/;

async function ask(
	{ answer }: Cut,
	at: { readonly gateway: GatewayProcess; readonly key: string; readonly alias: string; spoken(): void },
): Promise<Outcome> {
	const { stream, dialect } = answer;
	const body =
		dialect.client === "chat"
			? { model: at.alias, stream, messages: [{ role: "user", content: "Hello" }] }
			: { model: at.alias, stream, input: "Hello" };
	const { status, complete, text, header } = await exchange({
		url: at.gateway.url,
		key: at.key,
		target: dialect.client === "chat" ? "/v1/chat/completions" : "/v1/responses",
		body,
		deadlineMs: EXCHANGE_MS,
		onText: (sofar) => {
			if (OUTPUT.test(sofar)) {
				at.spoken();
			}
			return false;
		},
	});
	return { requestId: header("x-request-id") ?? "", status, complete, text, costHeader: header("x-gateway-cost-usd") };
}

/** Every attempt's row, by request, once all of them are closed. */
async function settledRows(gateway: GatewayProcess): Promise<ReadonlyMap<string, readonly BookRow[]>> {
	const rows = await until("every row to be settled", () => {
		const found = readSqliteBooks(gateway.dataDirectory).rows;
		return found.every((row) => row.settled_at !== null) && found;
	});
	return Map.groupBy(rows, (row) => row.request_id);
}

/**
 * G10. Goal: who hangs, hangs alone: neither a provider that says nothing nor a client that reads nothing holds up others.
 *
 * Measure, against a gateway in a process of its own:
 * - 600 streams (long form: 2,000) stand still at one provider, half before their head and half after their first token:
 *   every request to another is answered meanwhile, and in the end those streams end as if nothing had been;
 * - 200 clients (long form: 1,000) read nothing of streams without end: their provider is held back, the gateway keeps no
 *   more than 4 MiB of each (2 MiB of them are Bun's), and others are answered by that provider and by another.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { chatBody } from "../support/gateway-client.ts";
import { chatChunk, chatEvents, chatFor, ROLE_CHUNK, STOP_CHUNK } from "../support/openai-answers.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/process.ts";
import { openRaw, type RawConnection, requestBytes } from "../support/raw.ts";
import { bytesStep, gatedSse, head, httpChunk, SSE_HEADERS, sse, sseText } from "../support/replies.ts";
import { type ReceivedRequest, type Reply, type Step, startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until } from "../support/wait.ts";
import { exchange, outcomeOf } from "./exchange.ts";
import { deadlineMs, scaled } from "./scale.ts";

const HUNG = scaled(600, 2_000);
const STALLED = scaled(200, 1_000);
/** Requests of others while somebody hangs. */
const OTHERS = scaled(60, 300);
/** Bun's HTTP client alone keeps 2 MiB of an answer that is read no further; the rest is a chunk under way, and the allocator. */
const KEPT_MAX_BYTES = 4 * 1024 * 1024;
/** Longer than any of this takes: no deadline of the gateway's may be what frees it. */
const PATIENCE = "300s";
const SETTLE_MS = 30_000;

const PATIENT = {
	server: { stream_idle_timeout: PATIENCE, write_timeout: PATIENCE },
	router: { retries: 0 },
};
const patient = (upstream: Upstream) => ({ upstream, timeout: PATIENCE, ttft_timeout: PATIENCE });

/** Asks for a chat stream over a connection of its own, and reads what comes, or nothing of it. */
async function openStream(gateway: GatewayProcess, key: string, body: unknown, reads: boolean): Promise<RawConnection> {
	const client = await openRaw(gateway.url);
	if (!reads) {
		client.pause();
	}
	await client.write(
		requestBytes({
			method: "POST",
			target: "/v1/chat/completions",
			headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
			body: JSON.stringify(body),
		}),
	);
	return client;
}

async function hangUp(clients: readonly RawConnection[]): Promise<void> {
	await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
}

/** Streams and whole answers, eight at a time. @returns Everything but a whole answer. */
async function askOthers(gateway: GatewayProcess, key: string, alias: string): Promise<string[]> {
	const wrong: string[] = [];
	const waiting = Array.from({ length: OTHERS }, (_, index) => index % 2 === 0);
	async function client(): Promise<void> {
		for (let stream = waiting.pop(); stream !== undefined; stream = waiting.pop()) {
			const answer = await exchange({ url: gateway.url, key, body: chatBody(alias, { stream }) });
			if (outcomeOf(answer, stream).kind !== "whole") {
				wrong.push(`${alias}, stream ${stream}: ${answer.status} ${answer.text.slice(-200)}`);
			}
		}
	}
	await Promise.all(Array.from({ length: 8 }, client));
	return wrong;
}

test(
	`G10: ${HUNG} streams that hang at one provider do not hold up another`,
	async () => {
		const door = gate();
		await using hanging = await startUpstream((_request, index) => hungReply(index % 2 === 0, door.opened));
		await using quick = await startUpstream((request) => chatFor(request));
		await using gateway = await startGatewayProcess({
			config: { ...PATIENT, aliases: { slow: patient(hanging), quick: { upstream: quick } } },
			// Bun's own cap of 256 calls at once is the gateway's to lift, as wherever it is installed.
			ownFetchCap: true,
		});
		const { key } = await gateway.mint();
		const clients: RawConnection[] = [];
		try {
			for (let count = 0; count < HUNG; count += 1) {
				clients.push(await openStream(gateway, key, chatBody("slow", { stream: true }), true));
			}
			await hanging.waitForRequests(HUNG, SETTLE_MS);
			expect(await askOthers(gateway, key, "quick")).toEqual([]);
			// All this while nobody had given up, on either side.
			expect(hanging.requests.filter((request) => request.aborted() || request.delivered())).toEqual([]);
			expect(clients.filter((client) => client.completeCount() > 0 || client.state().closed)).toEqual([]);
			door.open();
			await until("the hung streams to end", () => clients.every((client) => client.completeCount() === 1), SETTLE_MS);
			const texts = clients.map((client) => client.response()?.text() ?? "");
			expect(texts.filter((text) => !text.includes("data: [DONE]"))).toEqual([]);
		} finally {
			await hangUp(clients);
		}
	},
	deadlineMs(60_000, 3),
);

/** Silence, or a role and a token; what is missing comes when the door opens. */
function hungReply(hasSpoken: boolean, opened: Promise<void>): Reply {
	return hasSpoken
		? gatedSse([{ data: ROLE_CHUNK }, { data: chatChunk({ content: "one" }) }, { data: STOP_CHUNK, after: opened }])
		: { steps: [{ kind: "wait", until: opened }, ...plain(sse(chatEvents(["one"])))] };
}

function plain({ steps }: Reply): readonly Step[] {
	if (!Array.isArray(steps)) {
		throw new Error("a scripted stream is made of an array of steps");
	}
	return steps;
}

const WITHOUT_END = "Go on without end.";
const ENDLESS = { model: "endless", stream: true, messages: [{ role: "user", content: WITHOUT_END }] };

test(
	`G10: ${STALLED} clients that read nothing cost little, and hold nobody up`,
	async () => {
		await using endless = await startUpstream((request) =>
			request.text().includes(WITHOUT_END) ? { steps: endlessSteps() } : chatFor(request),
		);
		await using quick = await startUpstream((request) => chatFor(request));
		const aliases = { endless: patient(endless), talks: { upstream: endless }, quick: { upstream: quick } };
		await using gateway = await startGatewayProcess({ config: { ...PATIENT, aliases } });
		const { key } = await gateway.mint();
		// What a gateway keeps of its first requests is not what a stalled one costs.
		expect([...(await askOthers(gateway, key, "quick")), ...(await askOthers(gateway, key, "talks"))]).toEqual([]);
		const before = residentBytes(gateway.pid);
		endless.forget();
		const clients: RawConnection[] = [];
		try {
			for (let count = 0; count < STALLED; count += 1) {
				clients.push(await openStream(gateway, key, ENDLESS, false));
			}
			await endless.waitForRequests(STALLED, SETTLE_MS);
			const streams = endless.requests.slice(0, STALLED);
			await standingStill(streams);
			expect(streams.filter((stream) => stream.bytesSent() === 0 || stream.aborted())).toEqual([]);
			const keptEach = () => (residentBytes(gateway.pid) - before) / STALLED;
			const most = keptEach();
			// What only passed through is given back a little later.
			await until("the gateway's memory", () => keptEach() <= KEPT_MAX_BYTES, SETTLE_MS);
			const sentEach = streams.reduce((sum, stream) => sum + stream.bytesSent(), 0) / STALLED;
			const kib = { kept: keptEach() >> 10, atMost: most >> 10, takenFromProvider: sentEach >> 10 };
			console.log(`G10: KiB of each of ${STALLED} stalled streams: ${JSON.stringify(kib)}`);
			expect([...(await askOthers(gateway, key, "quick")), ...(await askOthers(gateway, key, "talks"))]).toEqual([]);
			expect(streams.filter((stream) => stream.aborted())).toEqual([]);
		} finally {
			await hangUp(clients);
		}
	},
	deadlineMs(60_000, 5),
);

/** One event after the other for as long as somebody takes them. */
async function* endlessSteps(): AsyncGenerator<Step> {
	yield bytesStep(head(200, { ...SSE_HEADERS, "transfer-encoding": "chunked" }));
	const event = chatChunk({ content: "f".repeat(8_000) });
	const step = bytesStep(
		httpChunk(
			Buffer.from(
				sseText(
					Array.from({ length: 8 }, () => event),
					{ done: false },
				),
			),
		),
	);
	for (;;) {
		yield step;
	}
}

/** Nobody has taken a byte more since the last look, and the look before. */
async function standingStill(streams: readonly ReceivedRequest[]): Promise<void> {
	let last = -1;
	let looks = 0;
	await until(
		"the provider to stand still",
		async () => {
			const sent = streams.reduce((sum, stream) => sum + stream.bytesSent(), 0);
			looks = sent === last ? looks + 1 : 0;
			last = sent;
			// The pause between two looks is what is measured.
			await Bun.sleep(150);
			return looks >= 2;
		},
		SETTLE_MS,
	);
}

function residentBytes(pid: number): number {
	const kilobytes = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
	return Number(kilobytes) * 1024;
}

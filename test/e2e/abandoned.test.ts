import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody, type MintedKey } from "../support/gateway-client.ts";
import { occupancyOf } from "../support/occupancy.ts";
import { chatChunk, chatFor, chatReply } from "../support/openai-answers.ts";
import { openRaw, type RawConnection, requestBytes } from "../support/raw.ts";
import { bytesStep, errorJson, head, httpChunk, json, SSE_HEADERS, sseText } from "../support/replies.ts";
import { type Reply, type Step, startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until, within } from "../support/wait.ts";

/* Requests whose client reads nothing, leaves, or loses its key: nothing of them stays behind. */
const CHAT = "/v1/chat/completions";
/** A revoked key is out of everything it runs by then. */
const REVOKED_WITHIN_MS = 1_000;
/** Longer than a test takes: what ends before did not end by this. */
const NEVER = "5m";
let upstream: Upstream;
let impatient: TestGateway;
let patient: TestGateway;

beforeAll(async () => {
	upstream = await startUpstream((request) => chatFor(request));
	// A budget bounds the output; this bound is out of reach, so that it is not what ends a stream.
	const endless = { upstream, max_output_tokens: 100_000_000 };
	const aliases = {
		plain: endless,
		chunked: endless,
		chat: { upstream },
		pausing: { deployments: [{ upstream }], router: { retries: 2, retry_after_ms: 8_000 } },
	};
	[impatient, patient] = await Promise.all([
		startTestGateway({ aliases, server: { write_timeout: "300ms" } }),
		startTestGateway({ aliases, server: { write_timeout: NEVER } }),
	]);
});
afterAll(async () => {
	await Promise.all([impatient?.stop(), patient?.stop()]);
	await upstream?.[Symbol.asyncDispose]();
});

/** A stream that has no end: whoever does not read it fills every buffer on the way. */
function endlessStream(): Reply {
	async function* steps(): AsyncGenerator<Step> {
		yield bytesStep(head(200, { ...SSE_HEADERS, "transfer-encoding": "chunked" }));
		const filler = httpChunk(Buffer.from(sseText([chatChunk({ content: "f".repeat(60_000) })], { done: false })));
		for (;;) {
			yield bytesStep(filler);
		}
	}
	return { steps: steps() };
}

interface Framing {
	readonly framing: "plain" | "chunked";
	readonly what: string;
}

const framings: readonly Framing[] = [
	{ framing: "plain", what: "a request with Content-Length" },
	{ framing: "chunked", what: "a request with Transfer-Encoding: chunked" },
];

function postBytes(key: string, body: unknown, framing: Framing["framing"] = "plain"): Buffer {
	const text = JSON.stringify(body);
	const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
	return framing === "plain"
		? requestBytes({ method: "POST", target: CHAT, headers, body: text })
		: requestBytes({
				method: "POST",
				target: CHAT,
				headers: { ...headers, "Content-Length": null, "Transfer-Encoding": "chunked" },
				body: Buffer.concat([httpChunk(Buffer.from(text)), Buffer.from("0\r\n\r\n")]),
			});
}

/** A client that asks for a stream and reads not one byte of it. */
async function stalledClient(
	gateway: TestGateway,
	{ key, id }: MintedKey,
	framing: Framing["framing"],
): Promise<RawConnection> {
	const client = await openRaw(gateway.url);
	client.pause();
	await client.write(postBytes(key, chatBody(framing, { stream: true }), framing));
	await until("the request to hold something", async () => {
		const held = await occupancyOf(gateway, id, framing);
		return held.slots === 1 && held.reservedUsd > 0 && held.inFlight === 1;
	});
	return client;
}

/** Why the gateway ended the last request of a key, in the words of its log. */
function leftBecause(gateway: TestGateway, keyId: string): unknown {
	const ended = gateway.logs().flatMap((line) => {
		// A log line is a JSON object.
		const entry = JSON.parse(line) as Record<string, unknown>;
		return entry.event === "request" && entry.keyId === keyId ? [entry.left] : [];
	});
	return ended.at(-1);
}

/** The last request that the upstream has seen is over, from where it sits. */
function dropped(): Promise<void> {
	return within("the upstream to be dropped", upstream.requests.at(-1)?.gone ?? Promise.reject(new Error("none")));
}

async function expectNothingHeld(gateway: TestGateway, keyId: string, alias: string, deadlineMs?: number) {
	await until(
		"slot, hold and deployment to be free",
		async () => {
			const held = await occupancyOf(gateway, keyId, alias);
			return held.slots === 0 && held.reservedUsd === 0 && held.inFlight === 0;
		},
		deadlineMs,
	);
}

describe("a client that stops reading, its socket open", () => {
	test.each([...framings])("$what: is cut after write_timeout and holds nothing any more", async ({ framing }) => {
		upstream.script(endlessStream);
		const owner = await impatient.mint({ max_parallel_requests: 1, monthly_budget_usd: 1_000 });
		await using client = await stalledClient(impatient, owner, framing);
		await expectNothingHeld(impatient, owner.id, framing);
		expect(leftBecause(impatient, owner.id)).toBe("client");
		await dropped();
		expect(client.state().reset).toBe(false);
		upstream.script((request) => chatFor(request));
		expect((await impatient.post(CHAT, owner.key, chatBody("chat"))).status).toBe(200);
	});

	test("a stored response that is read again as a stream is no exception", async () => {
		for (const [gateway, left] of [
			[impatient, "client"],
			[patient, "revoked"],
		] as const) {
			upstream.script((request) =>
				request.method === "GET"
					? endlessStream()
					: json(200, { id: `resp_${left}`, object: "response", status: "completed", output: [] }),
			);
			const { id, key } = await gateway.mint();
			expect((await gateway.post("/v1/responses", key, { model: "plain", input: "x" })).status).toBe(200);
			await using client = await openRaw(gateway.url);
			client.pause();
			const headers = { Authorization: `Bearer ${key}` };
			await client.write(requestBytes({ method: "GET", target: `/v1/responses/resp_${left}?stream=true`, headers }));
			await until("the provider to send", () => (upstream.requests.at(-1)?.bytesSent() ?? 0) > 100_000);
			if (left === "revoked") {
				expect((await gateway.admin("DELETE", `/keys/${id}`)).status).toBe(200);
			}
			await until("the request to end", () => leftBecause(gateway, id) === left, 3_000);
			await dropped();
		}
	});

	test.each([...framings])(
		"$what: is cut when its key is revoked, whatever write_timeout says",
		async ({ framing }) => {
			upstream.script(endlessStream);
			const owner = await patient.mint({ max_parallel_requests: 1, monthly_budget_usd: 1_000 });
			await using client = await stalledClient(patient, owner, framing);
			// Past the first moments nothing moves: the gateway waits for the client, the provider for the gateway.
			let sent = -1;
			await until("the provider to stand still", async () => {
				const before = sent;
				sent = upstream.requests.at(-1)?.bytesSent() ?? 0;
				await new Promise((resolve) => setTimeout(resolve, 100));
				return sent > 0 && sent === before;
			});
			expect((await patient.admin("DELETE", `/keys/${owner.id}`)).status).toBe(200);
			await expectNothingHeld(patient, owner.id, framing, REVOKED_WITHIN_MS);
			await dropped();
			expect(client.state().reset).toBe(false);
		},
	);
});

describe("nothing is begun, and nothing charged, for a request that was given up", () => {
	test("by its client, during the pause before the next attempt", async () => {
		upstream.forget();
		upstream.script(() => errorJson(500, {}));
		const owner = await patient.mint({ monthly_budget_usd: 10 });
		await using client = await openRaw(patient.url);
		await client.write(postBytes(owner.key, chatBody("pausing", { max_tokens: 100_000 })));
		await until("the pause", async () => {
			const held = await occupancyOf(patient, owner.id, "pausing");
			return upstream.requests[0]?.delivered() === true && held.slots === 1 && held.inFlight === 0;
		});
		client.reset();
		await expectNothingHeld(patient, owner.id, "pausing");
		expect(upstream.requests.length).toBe(1);
		expect((await occupancyOf(patient, owner.id, "pausing")).spentUsd).toBe("0.000000");
	});

	test.each([
		{ what: "a small body, read at once", words: 2_000 },
		{ what: "a large body, read in pieces", words: 80_000 },
	])("by the revocation of its key, in mid-upload of $what", async ({ words }) => {
		upstream.forget();
		upstream.script(() => chatReply());
		const owner = await patient.mint({ monthly_budget_usd: 10 });
		const bytes = postBytes(
			owner.key,
			chatBody("chat", { messages: [{ role: "user", content: "word ".repeat(words) }] }),
		);
		await using client = await openRaw(patient.url);
		await client.write(bytes.subarray(0, 5_000));
		// By the time this one is answered the head of the other, sent before it, has been read.
		expect((await patient.get("/v1/models", owner.key)).status).toBe(200);
		expect((await patient.admin("DELETE", `/keys/${owner.id}`)).status).toBe(200);
		await client.write(bytes.subarray(5_000));
		await until("the answer", () => client.completeCount() === 1);
		expect(client.response()?.status).toBe(401);
		expect(client.response()?.json()).toMatchObject({ error: { code: "key_revoked" } });
		expect(upstream.requests.length).toBe(0);
		const { data } = (await patient.admin("GET", "/spend?group_by=key")).json<{ data: { key: string }[] }>();
		expect(data.filter(({ key }) => key === owner.id)).toEqual([]);
	});
});

describe("limits that change while a request runs", () => {
	test("a PATCH keeps what was used since, also when a request from before it ends", async () => {
		const door = gate();
		upstream.forget();
		upstream.script(async (_, index) => {
			if (index === 0) {
				await door.opened;
				return chatReply();
			}
			return chatReply({ usage: { prompt: 10, completion: 50_000 } });
		});
		const { id, key } = await patient.mint();
		const ask = async () => {
			const answer = await patient.post(CHAT, key, chatBody("chat"));
			return [answer.status, answer.error()?.kind];
		};
		const before = patient.post(CHAT, key, chatBody("chat"));
		await upstream.waitForRequests(1);
		expect((await patient.admin("PATCH", `/keys/${id}`, { tpm: 1_000 })).status).toBe(200);
		expect([await ask(), await ask()]).toEqual([
			[200, undefined],
			[429, "tpm"],
		]);
		door.open();
		expect((await before).status).toBe(200);
		expect(await ask()).toEqual([429, "tpm"]);
	});
});

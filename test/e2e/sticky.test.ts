import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway } from "../../src/start-gateway.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody, createGatewayClient, type GatewayClient } from "../support/gateway-client.ts";
import { type ConfigSpec, configText } from "../support/gateway-config.ts";
import { chatFor } from "../support/openai-answers.ts";
import { errorJson } from "../support/replies.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until } from "../support/wait.ts";

const CHAT = "/v1/chat/completions";
/** About 1,900 tokens, which providers cache. */
const TERMS = "All of this was agreed upon in the spring and signed by both parties. ".repeat(120);

let one: Upstream;
let two: Upstream;
let three: Upstream;
let gateway: TestGateway;
let key: string;

/** The upstreams answer `one`, `two` and `three` by the name of their model. */
function config(): ConfigSpec {
	const [first, second, third] = [
		{ upstream: one, model: "one" },
		{ upstream: two, model: "two" },
		{ upstream: three, model: "three" },
	];
	return {
		aliases: {
			weighted: { deployments: [{ ...first, weight: 2 }, second, third] },
			even: { deployments: [first, second, third] },
			pair: { deployments: [first, second] },
			off: { deployments: [first, second], router: { sticky_for: "0s" } },
		},
	};
}

beforeAll(async () => {
	[one, two, three] = (await Promise.all([0, 1, 2].map(() => startUpstream((request) => chatFor(request))))) as [
		Upstream,
		Upstream,
		Upstream,
	];
	gateway = await startTestGateway(config());
	key = (await gateway.mint()).key;
});
afterEach(() => {
	for (const upstream of [one, two, three]) {
		upstream.script((request) => chatFor(request));
		upstream.forget();
	}
});
afterAll(async () => {
	await gateway?.stop();
	await Promise.all([one, two, three].map((upstream) => upstream?.[Symbol.asyncDispose]()));
});

interface Asked {
	readonly secret?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly path?: string;
	readonly client?: GatewayClient;
}

/** Who answered. */
async function place(body: Record<string, unknown>, asked: Asked = {}): Promise<string> {
	const { secret = key, headers = {}, path = CHAT, client = gateway } = asked;
	const answer = await client.post(path, secret, body, { headers });
	expect({ status: answer.status, text: answer.status === 200 ? "" : answer.text }).toEqual({ status: 200, text: "" });
	return String(answer.headers.get("x-gateway-decision")).replace("openai/", "");
}

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

test("a conversation that grows stays where it began, while two hundred others spread by weight", async () => {
	const messages = [{ role: "system", content: TERMS }, user("Who signed?")];
	const places: string[] = [];
	const others: string[] = [];
	for (let turn = 0; turn < 8; turn += 1) {
		places.push(await place(chatBody("weighted", { messages })));
		messages.push(assistant("Both parties."), user(`And on page ${turn}?`));
		for (let other = 0; other < 25; other += 1) {
			const question = user(`Question ${turn}-${other}: who signed?`);
			others.push(await place(chatBody("weighted", { messages: [{ role: "system", content: TERMS }, question] })));
		}
	}
	expect(new Set(places).size).toBe(1);
	const counts = Map.groupBy(others, (name) => name);
	// Of two hundred a half and two quarters, within six standard deviations.
	expect(Math.abs((counts.get("one")?.length ?? 0) - 100)).toBeLessThan(43);
	expect(Math.abs((counts.get("two")?.length ?? 0) - 50)).toBeLessThan(37);
	expect(Math.abs((counts.get("three")?.length ?? 0) - 50)).toBeLessThan(37);
});

describe("a conversation that its client names", () => {
	const NAMES = Array.from({ length: 20 }, (_, index) => `conversation-${index}`);
	type Ask = (name: string, text: string) => Promise<string>;
	const byBody =
		(more: (name: string) => object): Ask =>
		(name, text) =>
			place(chatBody("even", { messages: [user(text)], ...more(name) }));
	const byHeader =
		(header: string): Ask =>
		(name, text) =>
			place(chatBody("even", { messages: [user(text)] }), { headers: { [header]: name } });

	test.each<[string, Ask]>([
		["prompt_cache_key", byBody((name) => ({ prompt_cache_key: name }))],
		["metadata.user_id", byBody((name) => ({ metadata: { user_id: name } }))],
		["metadata.session_id", byBody((name) => ({ metadata: { session_id: name } }))],
		["x-session-id", byHeader("x-session-id")],
		["x-session-affinity (OpenCode)", byHeader("x-session-affinity")],
		["session_id (Codex)", byHeader("session_id")],
		["x-claude-code-session-id", byHeader("x-claude-code-session-id")],
		["x-litellm-session-id", byHeader("x-litellm-session-id")],
		[
			"prompt_cache_key of a completion",
			(name, text) =>
				place({ model: "even", prompt: text, prompt_cache_key: `c-${name}` }, { path: "/v1/completions" }),
		],
	])("by %s stays at one deployment, however short it is, and others are elsewhere", async (_, ask) => {
		const first = [];
		for (const name of NAMES) {
			first.push(await ask(name, "Hello."));
		}
		for (const [index, name] of NAMES.entries()) {
			expect([await ask(name, "Go on."), await ask(name, "And now?")]).toEqual(Array(2).fill(first[index]));
		}
		expect(new Set(first).size).toBeGreaterThan(1);
	});

	test("is one of its key: others name theirs the same, and nobody moves for them", async () => {
		const body = chatBody("even", { prompt_cache_key: "main" });
		const keys = await Promise.all(Array.from({ length: 24 }, () => gateway.mint()));
		const places = new Map<string, string>();
		for (const minted of keys) {
			places.set(minted.key, await place(body, { secret: minted.key }));
		}
		// One in three to the power of 23 that all are in one place by chance.
		expect(new Set(places.values()).size).toBeGreaterThan(1);
		for (const [secret, was] of places) {
			expect(await place(body, { secret })).toBe(was);
		}
	});

	test("takes nobody's turn: requests of no conversation go on in turn", async () => {
		const turns = [];
		for (let turn = 0; turn < 9; turn += 1) {
			await place(chatBody("even", { prompt_cache_key: "between" }));
			turns.push(await place(chatBody("even")));
		}
		const [first, second, third] = turns;
		expect(new Set([first, second, third]).size).toBe(3);
		expect(turns).toEqual([0, 1, 2].flatMap(() => [first, second, third].map(String)));
	});

	test("with sticky_for: 0s has its turns like any request", async () => {
		const places = [];
		for (let turn = 0; turn < 8; turn += 1) {
			places.push(
				await place(chatBody("off", { prompt_cache_key: "main", messages: [user(TERMS)] }), {
					headers: { "x-session-id": "main" },
				}),
			);
		}
		expect(places.filter((name) => name === "one").length).toBe(4);
		expect(places[0]).not.toBe(places[1]);
	});
});

test("after a failover a conversation stays where it was served, though its place is well again", async () => {
	const body = chatBody("pair", { prompt_cache_key: "moving" });
	const was = await place(body);
	const upstream = was === "one" ? one : two;
	upstream.script(() => errorJson(500, {}));
	const moved = await place(body);
	expect(moved).not.toBe(was);
	upstream.script((request) => chatFor(request));
	for (let turn = 0; turn < 4; turn += 1) {
		expect(await place(body)).toBe(moved);
	}
	// Others were not moved with it: the deployment is well, and has its share.
	const others = [];
	for (let other = 0; other < 32; other += 1) {
		others.push(await place(chatBody("pair", { prompt_cache_key: `another-${other}` })));
	}
	expect(others).toContain(was);
});

test("a hot conversation does not sink its deployment: what is too much for one goes to another", async () => {
	const door = gate();
	for (const upstream of [one, two]) {
		upstream.script((request) => ({ steps: afterwards(door.opened, chatFor(request).steps) }));
	}
	const asked = Array.from({ length: 40 }, () => place(chatBody("pair", { prompt_cache_key: "hot" })));
	await until("all requests at their upstreams", () => one.requests.length + two.requests.length === 40);
	const [less = 0, more = 0] = [one.requests.length, two.requests.length].toSorted((a, b) => a - b);
	door.open();
	await Promise.all(asked);
	expect(more).toBeGreaterThan(less);
	// Eight more and a quarter, and those that were on their way when it was looked.
	expect(more).toBeLessThanOrEqual(1.25 * less + 8 + 4);
});

async function* afterwards<T>(opened: Promise<void>, steps: Iterable<T> | AsyncIterable<T>) {
	await opened;
	yield* steps;
}

test("a gateway that is started anew places conversations as the one before it did", async () => {
	const directory = await mkdtemp(join(tmpdir(), "gateway-sticky-"));
	const configPath = join(directory, "config.yaml");
	await writeFile(configPath, configText(config()));
	const names = Array.from({ length: 100 }, (_, index) => `conversation-${index}`);
	const started = async (given: string | undefined) => {
		const logger = createLogger({ write: () => undefined, format: "json", level: "error", now: Date.now });
		const running = await startGateway({
			...{ configPath, dataDirectory: join(directory, "data"), environment: {}, logger },
			...{ host: "127.0.0.1", port: 0 },
		});
		const client = createGatewayClient(running.url, running.masterKey);
		try {
			const secret = given ?? (await client.mint()).key;
			const places = [];
			for (const name of names) {
				places.push(await place(chatBody("weighted", { prompt_cache_key: name }), { client, secret }));
			}
			return { secret, places };
		} finally {
			await running.stopNow();
		}
	};
	try {
		const before = await started(undefined);
		const after = await started(before.secret);
		expect(after.places).toEqual(before.places);
		expect(new Set(after.places).size).toBe(3);
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
});

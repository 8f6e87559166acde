import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createApp } from "../../../src/app.ts";
import { resolveSnapshot } from "../../../src/config/resolve.ts";
import type { ReloadableConfigSource } from "../../../src/config/source.ts";
import { type Deps, openDeps } from "../../../src/deps.ts";
import { createKeyDirectory, type RunningKeyDirectory } from "../../../src/keys/directory.ts";
import { KEY_DEFAULTS } from "../../../src/keys/key-defaults.ts";
import { mintSecret } from "../../../src/keys/secret.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { MASTER_KEY, NO_CATALOGUE, settingsOf } from "../config/config-fixtures.ts";
import { temporaryDirectory } from "../store/ledger-samples.ts";

/** Every place of the API that takes a virtual key. */
const PLACES: readonly [what: string, method: string, path: string, body?: string][] = [
	["chat", "POST", "/v1/chat/completions", "{}"],
	["responses", "POST", "/v1/responses", "{}"],
	["embeddings", "POST", "/v1/embeddings", "{}"],
	["a kept response", "GET", "/v1/responses/resp_1"],
	["a new conversation", "POST", "/v1/conversations", "{}"],
	["a conversation", "GET", "/v1/conversations/conv_1"],
	["the models", "GET", "/v1/models"],
	["a model", "GET", "/v1/models/smart"],
	["the key's own account", "GET", "/v1/me"],
	["a request's trail", "GET", "/v1/requests/req_1"],
];

let place: ReturnType<typeof temporaryDirectory>;
let deps: Deps;
/** Keys of the same database, made by another process. */
let elsewhere: RunningKeyDirectory;
let caughtUp = 0;
let isDoubtful = false;
let app: ReturnType<typeof createApp>;

beforeAll(async () => {
	place = temporaryDirectory();
	const settings = settingsOf("model_list: [{ model_alias: smart, deployments: [{ provider: mock, model: echo }] }]");
	const snapshot = resolveSnapshot(
		{ ...settings, database: { kind: "sqlite", path: place.database } },
		{ version: 1, masterKey: MASTER_KEY, catalogue: NO_CATALOGUE, nowMs: 0 },
	);
	const config: ReloadableConfigSource = {
		current: () => snapshot,
		reload: () => Promise.resolve("unchanged"),
		watch() {},
		close() {},
	};
	const logger = createLogger({ write: () => {}, format: "json", level: "error", now: () => 0 });
	deps = await openDeps(config, place.directory, logger);
	elsewhere = await createKeyDirectory({ store: deps.store, clock: systemClock, flushMs: 60_000 });
	const made = new Set<string>();
	const { create } = elsewhere;
	elsewhere = {
		...elsewhere,
		async create(given) {
			const created = await create(given);
			made.add(created.record.id);
			return created;
		},
	};
	const authentication = {
		...deps.gateway.authentication,
		// So many wrong keys in a second are a guesser's.
		failures: { note: () => undefined },
		elsewhere: {
			async catchUp() {
				caughtUp += 1;
				await deps.keys.reload([...made]);
			},
			isDoubtful: () => isDoubtful,
		},
	};
	app = createApp({ ...deps, gateway: { ...deps.gateway, authentication } }, () => false);
});
afterAll(async () => {
	await elsewhere.close();
	await deps.keys.close();
	deps.stopPruning();
	await deps.store.close();
	place[Symbol.dispose]();
});

async function ask(method: string, path: string, token: string, body?: string) {
	const answer = await app.handle(
		new Request(`http://localhost${path}`, {
			method,
			headers: { host: "localhost", authorization: `Bearer ${token}`, "content-type": "application/json" },
			...(body === undefined ? {} : { body }),
		}),
	);
	const text = await answer.text();
	return { status: answer.status, code: /"code":"(\w+)"/.exec(text)?.[1] };
}

describe.each(PLACES)("%s", (_, method, path, body) => {
	test("knows a key at once that another instance has made", async () => {
		const { secret } = await elsewhere.create(KEY_DEFAULTS);
		caughtUp = 0;
		expect((await ask(method, path, secret, body)).status).not.toBe(401);
		expect(caughtUp).toBe(1);
		await ask(method, path, secret, body);
		expect(caughtUp).toBe(1);
	});

	test("refuses a wrong key, after asking once", async () => {
		caughtUp = 0;
		expect(await ask(method, path, mintSecret(), body)).toEqual({ status: 401, code: "invalid_api_key" });
		expect(caughtUp).toBe(1);
		expect(await ask(method, path, "sk-1234", body)).toMatchObject({ status: 401 });
		expect(caughtUp).toBe(1);
	});

	test("refuses a key that may have been revoked long ago", async () => {
		const { secret } = await elsewhere.create(KEY_DEFAULTS);
		isDoubtful = true;
		const answer = await ask(method, path, secret, body);
		isDoubtful = false;
		expect(answer).toEqual({ status: 503, code: "keys_stale" });
	});
});

test("/admin tells the holder of a key that another instance has made that it is the wrong kind of key", async () => {
	const { secret } = await elsewhere.create(KEY_DEFAULTS);
	expect(await ask("GET", "/admin/keys", secret)).toEqual({ status: 403, code: "master_key_required" });
	expect(await ask("GET", "/admin/keys", mintSecret())).toEqual({ status: 401, code: "invalid_api_key" });
	caughtUp = 0;
	expect((await ask("GET", "/admin/keys", MASTER_KEY)).status).toBe(200);
	expect(caughtUp).toBe(0);
});

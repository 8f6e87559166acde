import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { healthRoutes } from "../../../src/http/health.ts";
import { createHealthBook } from "../../../src/routing/health.ts";
import type { StateSources } from "../../../src/telemetry/metrics-sources.ts";
import { createFakeClock } from "../routing/fakes.ts";
import { namedConfig } from "../telemetry/metrics-samples.ts";

interface Situation {
	readonly store?: boolean;
	readonly ledger?: boolean;
	readonly draining?: boolean;
	readonly sources?: StateSources;
}

async function ask(situation: Situation, path = "/health/ready") {
	const app = new Elysia().use(
		healthRoutes({
			config: namedConfig(["chat", "disabled"]),
			health: createHealthBook({ clock: createFakeClock() }),
			storeReady: async () => situation.store ?? true,
			ledgerHealthy: () => situation.ledger ?? true,
			isDraining: () => situation.draining ?? false,
			isEnabled: (id) => id !== "dep_disabled",
			sources: situation.sources ?? {},
		}),
	);
	const answer = await app.handle(new Request(`http://localhost${path}`));
	return { code: answer.status, body: await answer.json() };
}

const WELL = {
	status: "ready",
	store: "ok",
	ledger: "ok",
	redis: "off",
	instances: 1,
	deployments: { configured: 2, usable: 1 },
};

describe("readiness", () => {
	test("of one instance with its own database says what it always said, and that it is alone", async () => {
		expect(await ask({})).toEqual({ code: 200, body: WELL });
	});

	test.each([
		["its database does not answer", { store: false }, { status: "not_ready", store: "unavailable" }],
		["the disk refuses rows", { ledger: false }, { status: "not_ready", ledger: "unavailable" }],
		["it drains", { draining: true }, { status: "draining" }],
		[
			"it drains and the database is away",
			{ draining: true, store: false },
			{ status: "draining", store: "unavailable" },
		],
	] satisfies [string, Situation, object][])("is lost when %s", async (_, situation, told) => {
		expect(await ask(situation)).toEqual({ code: 503, body: { ...WELL, ...told } });
	});

	test("stays while Redis is down", async () => {
		const sources: StateSources = { redis: () => "down", instances: () => 3 };
		expect(await ask({ sources })).toEqual({ code: 200, body: { ...WELL, redis: "down", instances: 3 } });
	});

	test("says that Redis is well, and how many rows wait", async () => {
		const sources: StateSources = { redis: () => "ok", outboxRows: () => 0 };
		expect(await ask({ sources })).toEqual({ code: 200, body: { ...WELL, redis: "ok", outbox_rows: 0 } });
	});

	test("stays while a shared database is away and its rows are kept on local disk", async () => {
		const sources = { outboxRows: () => 7 };
		expect(await ask({ store: false, sources })).toEqual({
			code: 200,
			body: { ...WELL, store: "degraded", outbox_rows: 7 },
		});
	});

	test("is lost when the local disk takes no more of them", async () => {
		const sources = { outboxRows: () => 100_000 };
		expect(await ask({ store: false, ledger: false, sources })).toMatchObject({
			code: 503,
			body: { status: "not_ready", store: "unavailable", ledger: "unavailable" },
		});
	});

	test("is not what liveness asks", async () => {
		expect(await ask({ store: false, ledger: false, draining: true }, "/health")).toEqual({
			code: 200,
			body: { status: "ok" },
		});
	});
});

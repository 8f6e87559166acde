import { describe, expect, test } from "bun:test";
import { createHealthBook } from "../../../src/routing/health.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import type { StateSources } from "../../../src/telemetry/metrics-sources.ts";
import { parseExposition } from "../../support/exposition.ts";
import { until } from "../../support/wait.ts";
import { createFakeClock } from "../routing/fakes.ts";
import { closing, namedConfig, opening } from "./metrics-samples.ts";

function rig(options: { readonly sources?: StateSources; readonly names?: readonly string[] } = {}) {
	const clock = { ...createFakeClock() };
	const config = namedConfig(options.names ?? ["chat", "other-chat"]);
	const health = createHealthBook({ clock });
	const disabled = new Set<string>();
	const metrics = createMetrics({
		...{ clock, config, health },
		isEnabled: (id) => !disabled.has(id),
		requestsInFlight: () => 3,
		attemptsOpen: () => 2,
		ledgerHealthy: () => true,
		sources: options.sources ?? {},
		build: { version: "1.2.3", runtime: "bun 1" },
	});
	return {
		...{ clock, config, disabled, health, metrics },
		read: async (storeReady = true) => parseExposition(await metrics.render(storeReady)),
		[Symbol.dispose]: metrics.stop,
	};
}

describe("the metrics", () => {
	test("are of good form: help everywhere, _total for counters only, units in their names", async () => {
		using gateway = rig({ sources: { redis: () => "ok", redisWaits: () => 1, outboxRows: () => 0 } });
		gateway.metrics.observer.requestEnded("chat", { alias: "chat", status: 200 }, 5);
		gateway.metrics.observer.attemptSettled(opening({ streamed: true, attempt: 1 }), closing());
		const { families } = await gateway.read();
		for (const [name, { kind, help }] of families) {
			expect(name).toMatch(/^(?:gateway_llm|process)_[a-z_]+$/);
			expect([name, help]).toEqual([name, expect.stringMatching(/\.$/)]);
			expect([name, name.endsWith("_total")]).toEqual([name, kind === "counter"]);
			if (kind === "histogram") {
				expect(name).toEndWith("_seconds");
			}
		}
		expect([...families.keys()]).toContain("process_resident_memory_bytes");
	});

	test("tell the state of the gateway as it is when they are asked for", async () => {
		using gateway = rig();
		const read = await gateway.read(false);
		const values = {
			gateway_llm_requests_in_flight: 3,
			gateway_llm_upstream_attempts_open: 2,
			gateway_llm_store_ready: 0,
			gateway_llm_ledger_healthy: 1,
			gateway_llm_config_version: 1,
			gateway_llm_config_last_reload_successful: 1,
		};
		for (const [name, value] of Object.entries(values)) {
			expect([name, read.find(name).map((sample) => Number(sample.value))]).toEqual([name, [value]]);
		}
		expect(read.find("gateway_llm_build_info")[0]?.labels).toEqual({ version: "1.2.3", runtime: "bun 1" });
		expect(read.sum("process_start_time_seconds")).toBeLessThanOrEqual(Date.now() / 1000);
		expect(read.sum("process_cpu_seconds_total")).toBeGreaterThan(0);
	});

	test("tell each deployment's state: what it is, whether it is enabled, its breaker, what it does", async () => {
		using gateway = rig();
		gateway.disabled.add("dep_other-chat");
		for (let failure = 0; failure < 20; failure += 1) {
			gateway.health.begin("dep_chat").failed({ class: "reset", cooldownMs: undefined });
		}
		gateway.health.begin("dep_other-chat");
		const read = await gateway.read();
		expect(read.find("gateway_llm_deployment_info", { deployment: "dep_chat" })[0]?.labels).toMatchObject({
			alias: "chat",
			model: "dep_chat",
		});
		expect(read.sum("gateway_llm_deployment_enabled", { deployment: "dep_chat" })).toBe(1);
		expect(read.sum("gateway_llm_deployment_enabled", { deployment: "dep_other-chat" })).toBe(0);
		expect(read.sum("gateway_llm_deployment_in_flight", { deployment: "dep_other-chat" })).toBe(1);
		const breakers = (deployment: string) =>
			Object.fromEntries(
				read
					.find("gateway_llm_deployment_breaker_state", { deployment })
					.map(({ labels, value }) => [labels.state, value]),
			);
		expect(breakers("dep_chat")).toEqual({ closed: "0", open: "1", half_open: "0" });
		expect(breakers("dep_other-chat")).toEqual({ closed: "1", open: "0", half_open: "0" });
	});

	test("leave out what no part of the gateway tells, and follow what one does", async () => {
		const told: Record<string, number> = {};
		const names = {
			redisWaits: "gateway_llm_redis_waits_total",
			redisFailures: "gateway_llm_redis_failures_total",
			instances: "gateway_llm_instances",
			ledgerQueuedRows: "gateway_llm_ledger_queued_rows",
			outboxRows: "gateway_llm_outbox_rows",
			budgetLeaseWaits: "gateway_llm_budget_lease_waits_total",
			budgetLeaseUnavailable: "gateway_llm_budget_lease_unavailable_total",
		} as const;
		const sources = Object.fromEntries(Object.keys(names).map((key) => [key, () => told[key]]));
		using without = rig();
		using gateway = rig({ sources: { ...sources, redis: () => (told.redis === 1 ? "down" : undefined) } });
		for (const read of [await without.read(), await gateway.read()]) {
			expect([...read.families.keys()].filter((name) => /redis|instances|rows|lease/.test(name))).toEqual([]);
		}
		for (const [index, key] of Object.keys(names).entries()) {
			told[key] = index + 10;
		}
		told.redis = 1;
		const read = await gateway.read();
		for (const [index, name] of Object.values(names).entries()) {
			expect([name, read.sum(name)]).toEqual([name, index + 10]);
		}
		expect(read.find("gateway_llm_redis_up").map(({ value }) => value)).toEqual(["0"]);
	});

	test("tell of reloads", async () => {
		using gateway = rig();
		gateway.metrics.reloaded("applied");
		gateway.metrics.reloaded("refused");
		gateway.metrics.reloaded("refused");
		const read = await gateway.read();
		expect(read.sum("gateway_llm_config_reloads_total", { outcome: "applied" })).toBe(1);
		expect(read.sum("gateway_llm_config_reloads_total", { outcome: "refused" })).toBe(2);
		expect(read.sum("gateway_llm_config_last_reload_successful")).toBe(0);
		gateway.metrics.reloaded("applied");
		expect((await gateway.read()).sum("gateway_llm_config_last_reload_successful")).toBe(1);
	});

	test("of thousands of deployments are bounded too", async () => {
		const names = Array.from({ length: 5_000 }, (_, index) => `alias-${index}`);
		using gateway = rig({ names });
		for (const alias of names) {
			gateway.metrics.observer.requestEnded("chat", { alias, status: 200 }, 1);
			gateway.metrics.observer.attemptSettled(opening({ alias, streamed: true, attempt: 1 }), closing());
			gateway.metrics.observer.attemptSettled(opening({ alias, priceVersion: undefined }), closing());
		}
		const text = await gateway.metrics.render(true);
		expect(text.split("\n").length).toBeLessThan(25_000);
		expect(parseExposition(text).find("gateway_llm_deployment_info")).toHaveLength(500);
	});

	test("let other work go on between them when they take long", async () => {
		using gateway = rig();
		gateway.metrics.observer.requestEnded("chat", { alias: "chat", status: 200 }, 1);
		let turns = 0;
		gateway.clock.monotonic = () => {
			gateway.clock.advance(3);
			return gateway.clock.now();
		};
		const rendered = gateway.metrics.render(true);
		let isOver = false;
		void rendered.finally(() => {
			isOver = true;
		});
		while (!isOver) {
			await new Promise((resolve) => setImmediate(resolve));
			turns += 1;
		}
		expect(turns).toBeGreaterThanOrEqual(10);
		parseExposition(await rendered);
	});

	test("notice how late the event loop is, from the first question on", async () => {
		using gateway = rig();
		expect((await gateway.read()).sum("gateway_llm_event_loop_delay_seconds_count")).toBe(0);
		// The gateway's clock stands for a blocked loop: it says that the look came 600 ms late.
		gateway.clock.advance(700);
		const looks = (count: number) =>
			until(`${count} looks at the loop`, async () => {
				return (await gateway.read()).sum("gateway_llm_event_loop_delay_seconds_count") >= count;
			});
		await looks(1);
		gateway.clock.advance(100);
		await looks(3);
		const read = await gateway.read();
		expect(read.sum("gateway_llm_event_loop_delay_seconds_bucket", { le: "0.5" })).toBe(
			read.sum("gateway_llm_event_loop_delay_seconds_count") - 1,
		);
		expect(read.sum("gateway_llm_event_loop_delay_seconds_sum")).toBeCloseTo(0.6, 9);
	});
});

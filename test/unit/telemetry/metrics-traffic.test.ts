import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import { closing, namedConfig, opening, traffic } from "./metrics-samples.ts";

describe("requests", () => {
	test("are counted by operation, alias and status, and timed", () => {
		const metrics = traffic(namedConfig(["chat"]));
		metrics.requestEnded("chat", { alias: "chat", status: 200 }, 30);
		metrics.requestEnded("chat", { alias: "chat", status: 200 }, 3_000);
		metrics.requestEnded("chat", { alias: "chat", status: 502 }, 1);
		const read = metrics.read();
		const labels = { operation: "chat", alias: "chat" };
		expect(read.sum("gateway_llm_requests_total", { ...labels, code: "200" })).toBe(2);
		expect(read.sum("gateway_llm_requests_total", { ...labels, code: "502" })).toBe(1);
		expect(read.sum("gateway_llm_request_duration_seconds_count", labels)).toBe(3);
		expect(read.sum("gateway_llm_request_duration_seconds_sum", labels)).toBeCloseTo(3.031, 9);
		expect(read.sum("gateway_llm_request_duration_seconds_bucket", { ...labels, le: "0.04" })).toBe(2);
	});

	test("without an alias, with an unknown operation or an odd status have labels all the same", () => {
		const metrics = traffic(namedConfig([]));
		metrics.requestEnded("chat", { status: 401 }, 1);
		metrics.requestEnded("made up", { status: 299 }, 1);
		metrics.requestEnded("conversations", {}, 1);
		expect(
			metrics
				.read()
				.find("gateway_llm_requests_total")
				.map(({ labels }) => labels),
		).toEqual([
			{ operation: "chat", alias: "", code: "401" },
			{ operation: "other", alias: "", code: "other" },
			{ operation: "conversations", alias: "", code: "other" },
		]);
	});

	test("that were refused are counted by kind and scope, which are all there from the start", () => {
		const metrics = traffic(namedConfig(["chat"]));
		expect(metrics.read().find("gateway_llm_refusals_total", { scope: "team" })).toHaveLength(4);
		metrics.requestEnded("chat", { alias: "chat", status: 429, refusal: "rpm", limitScope: "team" }, 1);
		metrics.requestEnded("chat", { alias: "chat", status: 429, refusal: "upstream" }, 1);
		metrics.requestEnded("chat", { alias: "chat", status: 429, refusal: "toString", limitScope: "key" }, 1);
		const read = metrics.read();
		expect(read.sum("gateway_llm_refusals_total")).toBe(2);
		expect(read.sum("gateway_llm_refusals_total", { kind: "rpm", scope: "team" })).toBe(1);
		expect(read.sum("gateway_llm_refusals_total", { kind: "upstream", scope: "" })).toBe(1);
	});
});

describe("attempts", () => {
	const chat = { alias: "chat", provider: "openai", deployment: "dep_chat" };

	test("are counted by outcome, with their cost and their tokens", () => {
		const metrics = traffic(namedConfig(["chat"]));
		const usage = { ...NO_USAGE, input: 1, cacheRead: 2, cacheWrite: 4, cacheWriteHour: 8, output: 16, reasoning: 32 };
		metrics.attemptSettled(opening(), closing({ usage, costNano: 1 }));
		metrics.attemptSettled(opening(), closing({ usage, costNano: 99_000 }));
		const read = metrics.read();
		expect(read.find("gateway_llm_upstream_attempts_total")).toEqual([
			{
				name: "gateway_llm_upstream_attempts_total",
				labels: { ...chat, outcome: "ok", error_class: "" },
				value: "2",
			},
		]);
		expect(read.find("gateway_llm_cost_usd_total", chat).map(({ value }) => value)).toEqual(["0.000099001"]);
		const tokens = read.find("gateway_llm_tokens_total", chat).map(({ labels, value }) => [labels.kind, value]);
		expect(Object.fromEntries(tokens)).toEqual({
			input: "2",
			cached_input: "4",
			cache_write: "24",
			output: "32",
			reasoning: "64",
		});
		expect(read.find("gateway_llm_unpriced_attempts_total")).toEqual([]);
	});

	test("that failed say why, from a closed list, and the next of the same request is a failover", () => {
		const metrics = traffic(namedConfig(["chat"]));
		const failed = { outcome: "upstream_failed", usage: NO_USAGE, costNano: 0 } as const;
		metrics.attemptSettled(opening(), closing({ ...failed, errorClass: "ttft_timeout" }));
		metrics.attemptSettled(opening({ attempt: 1 }), closing({ ...failed, errorClass: "sk-provider-key in a message" }));
		metrics.attemptSettled(opening({ attempt: 2 }), closing());
		const read = metrics.read();
		expect(read.sum("gateway_llm_upstream_attempts_total", { error_class: "ttft_timeout" })).toBe(1);
		expect(read.sum("gateway_llm_upstream_attempts_total", { error_class: "other" })).toBe(1);
		expect(read.sum("gateway_llm_failovers_total", { alias: "chat" })).toBe(2);
	});

	test("without a price cost nothing that is known, and are counted", () => {
		const metrics = traffic(namedConfig(["chat"]));
		metrics.attemptSettled(opening({ priceVersion: undefined }), closing({ costNano: 0 }));
		expect(metrics.read().sum("gateway_llm_unpriced_attempts_total", chat)).toBe(1);
		expect(metrics.read().find("gateway_llm_cost_usd_total")).toEqual([]);
	});

	test("whose cost is no amount count what the ledger charges: the reservation", () => {
		const metrics = traffic(namedConfig(["chat"]));
		for (const costNano of [-1, Number.NaN, 0.5, 2 ** 60]) {
			metrics.attemptSettled(opening(), closing({ costNano }));
		}
		expect(metrics.read().find("gateway_llm_cost_usd_total")[0]?.value).toBe("0.000002");
	});

	test("time their first token where a stream ended well, and nowhere else", () => {
		const metrics = traffic(namedConfig(["chat"]));
		metrics.attemptSettled(opening({ streamed: true }), closing({ ttftMs: 300 }));
		metrics.attemptSettled(opening({ streamed: false }), closing({ ttftMs: 300 }));
		metrics.attemptSettled(opening({ streamed: true }), closing({ outcome: "cut", ttftMs: 300 }));
		const read = metrics.read();
		const labels = { provider: "openai", alias: "chat" };
		expect(read.sum("gateway_llm_time_to_first_token_seconds_count", labels)).toBe(1);
		expect(read.sum("gateway_llm_time_to_first_token_seconds_bucket", { ...labels, le: "0.25" })).toBe(0);
		expect(read.sum("gateway_llm_time_to_first_token_seconds_bucket", { ...labels, le: "0.5" })).toBe(1);
	});

	test("name no key and no team", () => {
		const metrics = traffic(namedConfig(["chat"]));
		metrics.attemptSettled(opening(), closing());
		metrics.requestEnded("chat", { alias: "chat", status: 200, keyId: "vk_SECRETIVE" }, 1);
		expect(metrics.render()).not.toContain("SECRETIVE");
	});
});

describe("a configuration of thousands of names", () => {
	const many = Array.from({ length: 6_000 }, (_, index) => `alias-${index}`);

	function ask(metrics: ReturnType<typeof traffic>, names: readonly string[]): void {
		for (const name of names) {
			metrics.requestEnded("chat", { alias: name, status: 200 }, 1);
			metrics.attemptSettled(opening({ alias: name, streamed: true, attempt: 1 }), closing());
		}
	}

	test("is told in a bounded number of lines, and nothing is lost", () => {
		const metrics = traffic(namedConfig(many));
		ask(metrics, many);
		ask(metrics, many);
		expect(metrics.render().split("\n").length).toBeLessThan(18_000);
		const read = metrics.read();
		expect(read.find("gateway_llm_requests_total").length).toBeLessThanOrEqual(2_001);
		for (const name of [
			"requests_total",
			"request_duration_seconds_count",
			"upstream_attempts_total",
			"failovers_total",
		]) {
			expect([name, read.sum(`gateway_llm_${name}`)]).toEqual([name, 12_000]);
		}
		expect(read.sum("gateway_llm_requests_total", { alias: "alias-0" })).toBe(2);
		expect(read.sum("gateway_llm_requests_total", { alias: "other" })).toBe(8_000);
		expect(read.sum("gateway_llm_tokens_total", { deployment: "other", kind: "input" })).toBe((6_000 - 1_000) * 120);
		expect(read.sum("gateway_llm_time_to_first_token_seconds_count", { provider: "openai" })).toBe(12_000);
	});

	test("makes room after a reload for the names that are in force then", () => {
		const config = namedConfig(many.slice(0, 2_000));
		const metrics = traffic(config);
		ask(metrics, many.slice(0, 2_000));
		config.reload(["alias-7", "new"]);
		ask(metrics, ["new", "alias-7", "new"]);
		const read = metrics.read();
		expect(read.sum("gateway_llm_requests_total", { alias: "new" })).toBe(2);
		expect(read.sum("gateway_llm_cost_usd_total", { deployment: "dep_new" })).toBeCloseTo(0.000198, 12);
		expect(read.sum("gateway_llm_requests_total", { alias: "alias-7" })).toBe(2);
		expect(read.find("gateway_llm_requests_total", { alias: "alias-8" })).toEqual([]);
		// A request that began before, or a configuration that is put back: it is counted anew, not in what is gone.
		ask(metrics, ["alias-8", "alias-8"]);
		expect(metrics.read().sum("gateway_llm_requests_total", { alias: "alias-8" })).toBe(2);
		expect(metrics.read().sum("gateway_llm_tokens_total", { alias: "alias-8", kind: "output" })).toBe(300);
	});
});

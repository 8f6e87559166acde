import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Strategy } from "../../../src/config/types.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import { createRoutingReport } from "../../../src/routing/report/routing-report.ts";
import type { AliasReport, RoutedBy, RoutedRequest } from "../../../src/routing/report/types.ts";
import { attempt, configured, decided, failed, priced, request, threeTiers } from "./report-samples.ts";

function reportOf(requests: readonly RoutedRequest[], by: RoutedBy = threeTiers()): AliasReport {
	const report = createRoutingReport(by);
	requests.forEach(report.add);
	const [only, ...others] = report.aliases();
	expect(others).toEqual([]);
	if (only === undefined) {
		throw new Error("no alias was reported");
	}
	return only;
}

const SHADOW = { strategy: "cheapest" as Strategy, deploymentId: "small" };

describe("the report of an alias", () => {
	test("counts requests, failovers, errors and money, by bucket and by who served", () => {
		const report = reportOf([
			request(decided(0.1), [attempt("small")]),
			request(decided(0.1), [attempt("small")]),
			request(decided(0.5), [failed("middle"), attempt("large")]),
			request(decided(0.9), [failed("large"), failed("middle"), failed("small")]),
		]);
		expect(report).toMatchObject({
			model_alias: "smart",
			requests: 4,
			failed_requests: 1,
			failovers: 3,
			errors: 4,
			// 2 × 120,000 and 1,300,000 nano-dollars.
			cost_usd: "0.001540",
		});
		expect(report.by_bucket).toEqual([
			{ bucket: "simple", requests: 2, errors: 0, cost_usd: "0.000240" },
			{ bucket: "medium", requests: 1, errors: 1, cost_usd: "0.001300" },
			{ bucket: "complex", requests: 1, errors: 3, cost_usd: "0.000000" },
		]);
		expect(
			report.by_deployment.map(({ deployment_id, tier, requests, share, errors, cost_usd }) => [
				deployment_id,
				tier,
				requests,
				share,
				errors,
				cost_usd,
			]),
		).toEqual([
			["small", "simple", 2, 0.6667, 1, "0.000240"],
			["large", "complex", 1, 0.3333, 1, "0.001300"],
			["middle", "medium", 0, 0, 2, "0.000000"],
		]);
	});

	test("takes what the client or the provider ended for served, and what a crash ended for failed", () => {
		const none = { usage: NO_USAGE, usageSource: "none", costNano: 0 } as const;
		const report = reportOf([
			request(decided(0.1), [attempt("small", { outcome: "refused", ...none })]),
			request(decided(0.1), [attempt("small", { outcome: "client_gone", usageSource: "partial" })]),
			request(decided(0.1), [attempt("small", { outcome: "cut", ...none })]),
			request(decided(0.1), [attempt("small", { outcome: "crashed", usageSource: "crash_estimate" })]),
		]);
		expect(report).toMatchObject({ requests: 4, failed_requests: 1 });
		expect(report.by_deployment[0]).toMatchObject({ requests: 3, share: 1 });
	});

	test("has a request that is still retried neither as served nor as failed", () => {
		const report = reportOf([request(decided(0.1), [failed("small")], { last: undefined })]);
		expect(report).toMatchObject({ requests: 1, failed_requests: 0, errors: 1, failovers: 0 });
		expect(report.by_deployment[0]).toMatchObject({ requests: 0, share: 0, errors: 1 });
	});

	test("of a request that began before the period has the money of the period alone", () => {
		const report = reportOf([request(decided(0.5), [attempt("large")], { begun: false })]);
		expect(report).toMatchObject({ requests: 0, failovers: 1, cost_usd: "0.001300", scores: Array(10).fill(0) });
		expect(report.by_bucket).toEqual([{ bucket: "medium", requests: 0, errors: 0, cost_usd: "0.001300" }]);
	});

	test("keeps rows from before decisions were kept apart, and their money in", () => {
		const report = reportOf([request(undefined, [attempt("large")])]);
		expect(report.by_bucket).toEqual([{ bucket: null, requests: 1, errors: 0, cost_usd: "0.001300" }]);
		expect(report).toMatchObject({ requests: 1, cost_usd: "0.001300", without_text: 0 });
	});

	test("shows scores in tenths; each edge belongs to the tenth that it begins, and 1 to the last", () => {
		const scores = [0.0001, 0.0999, 0.1, 0.2, 0.3, 0.6, 0.7, 0.8999, 0.9, 1];
		const report = reportOf(scores.map((score) => request(decided(score), [attempt("small")])));
		expect(report.scores).toEqual([2, 1, 1, 1, 0, 0, 1, 1, 1, 2]);
	});

	test("counts requests without text apart from those that score 0", () => {
		const report = reportOf([
			request(decided(0, { signals: [] }), [attempt("small")]),
			request(decided(0, { signals: [{ name: "words", contribution: 0 }] }), [attempt("small")]),
		]);
		expect({ first: report.scores[0], without: report.without_text }).toEqual({ first: 1, without: 1 });
	});

	test("tells why deployments were passed over, and what conversations did", () => {
		const excluded = [
			{ deploymentId: "a", reason: "tools" as const },
			{ deploymentId: "b", reason: "tools" as const },
			{ deploymentId: "c", reason: "cooling" as const },
		];
		const session = { source: "prefix" as const, outcome: "held" as const, warmAt: "small" };
		const report = reportOf([
			request(decided(0.1, { excluded, session }), [attempt("small")]),
			request(decided(0.1, { excluded: excluded.slice(0, 1) }), [attempt("small")]),
		]);
		expect(report.exclusions).toEqual([
			{ reason: "tools", requests: 2, deployments: 3 },
			{ reason: "cooling", requests: 1, deployments: 1 },
		]);
		expect(report.sessions).toEqual([{ outcome: "held", requests: 1 }]);
	});

	test("counts what nobody could be asked for apart, with why", () => {
		const excluded = [{ deploymentId: "small", reason: "cooling" as const }];
		const report = reportOf([
			request(decided(0.1), [attempt("small")]),
			request(decided(0.9, { excluded, shadow: SHADOW }), [], { unserved: true, begun: false }),
		]);
		expect(report).toMatchObject({ requests: 1, failed_requests: 0, unserved_requests: 1, failovers: 0, shadow: [] });
		expect(report.exclusions).toEqual([{ reason: "cooling", requests: 1, deployments: 1 }]);
		expect(report.by_bucket).toHaveLength(1);
	});

	test("names the aliases in order, also those that are configured no more", () => {
		const report = createRoutingReport(threeTiers());
		for (const name of ["zebra", "smart", "ant"]) {
			report.add(request(undefined, [attempt("gone")], { alias: name }));
		}
		expect(report.aliases().map(({ model_alias }) => model_alias)).toEqual(["ant", "smart", "zebra"]);
	});
});

describe("the money of a shadow", () => {
	test("is that of the same tokens at its deployment's price, and the saving is the difference", () => {
		const [shadow] = reportOf([
			request(decided(0.9, { shadow: SHADOW }), [attempt("large")]),
			request(decided(0.5, { shadow: SHADOW }), [attempt("middle")]),
			request(decided(0.1, { shadow: SHADOW }), [attempt("small")]),
			request(decided(0.1), [attempt("small")]),
		]).shadow;
		expect(shadow).toEqual({
			strategy: "cheapest",
			asked: 3,
			agreed: 1,
			changed: 2,
			compared: 3,
			// 1,300,000 + 360,000 + 120,000; three times 120,000.
			actual_cost_usd: "0.001780",
			other_cost_usd: "0.000360",
			saving_usd: "0.001420",
			not_compared: { unanswered: 0, unpriced: 0, gone: 0 },
		});
	});

	test("is negative where the shadow is dearer", () => {
		const shadow = { strategy: "classifier" as const, deploymentId: "large" };
		const [found] = reportOf([request(decided(0.1, { shadow }), [attempt("small")])]).shadow;
		expect(found).toMatchObject({ saving_usd: "-0.001180", changed: 1 });
	});

	test("is that of the answer where it agreed, wherever the answer came from in the end", () => {
		const decision = decided(0.1, { shadow: SHADOW });
		const [found] = reportOf([request(decision, [failed("small"), attempt("large")])]).shadow;
		expect(found).toMatchObject({ agreed: 1, saving_usd: "0.000000", actual_cost_usd: "0.001300" });
	});

	test("is that of the answer where the shadow's choice failed at this very request", () => {
		const decision = decided(0.9, { shadow: SHADOW });
		const [found] = reportOf([request(decision, [failed("large"), failed("small"), attempt("middle")])]).shadow;
		expect(found).toMatchObject({ changed: 1, saving_usd: "0.000000", actual_cost_usd: "0.000360" });
	});

	test("leaves out, by why, what cannot be compared", () => {
		const by = configured({
			deployments: [priced("large", "complex"), priced("middle", undefined, { price: undefined })],
		});
		const large = { strategy: "cheapest" as const, deploymentId: "large" };
		const middle = { strategy: "cheapest" as const, deploymentId: "middle" };
		const [found] = reportOf(
			[
				request(decided(0.9, { shadow: SHADOW }), [attempt("large")]),
				request(decided(0.9, { shadow: middle }), [attempt("large")]),
				request(decided(0.9, { shadow: large }), [attempt("middle", { priced: false, costNano: 0 })]),
				request(decided(0.9, { shadow: large }), [failed("middle")]),
			],
			by,
		).shadow;
		expect(found).toMatchObject({
			asked: 4,
			compared: 0,
			actual_cost_usd: "0.000000",
			other_cost_usd: "0.000000",
			not_compared: { gone: 1, unpriced: 2, unanswered: 1 },
		});
	});

	test("is told by strategy, where the shadow was changed meanwhile", () => {
		const busy = { strategy: "least_busy" as const, deploymentId: "small" };
		const shadows = reportOf([
			request(decided(0.1, { shadow: busy }), [attempt("small")]),
			request(decided(0.1, { shadow: SHADOW }), [attempt("small")]),
		]).shadow;
		expect(shadows.map(({ strategy, asked }) => [strategy, asked])).toEqual([
			["cheapest", 1],
			["least_busy", 1],
		]);
	});
});

const name = fc.constantFrom("small", "middle", "large", "gone");
const anyRequest = fc
	.record({
		score: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
		tried: fc.array(fc.record({ where: name, costNano: fc.maxSafeNat(), ok: fc.boolean() }), { maxLength: 4 }),
		begun: fc.boolean(),
		shadow: fc.option(name, { nil: undefined }),
	})
	.map(({ score, tried, begun, shadow }) => {
		const attempts = tried.map(({ where, costNano, ok }) =>
			attempt(where, { costNano, outcome: ok ? "ok" : "upstream_failed" }),
		);
		const decision =
			score === undefined
				? undefined
				: decided(score, {
						shadow: shadow === undefined ? undefined : { strategy: "cheapest", deploymentId: shadow },
					});
		return request(decision, attempts, { begun });
	});

test("buckets and deployments each add up to the whole, to the nano-dollar, whatever happened", () => {
	fc.assert(
		fc.property(fc.array(anyRequest, { minLength: 1, maxLength: 20 }), (requests) => {
			const report = reportOf(requests);
			const spent = requests.flatMap(({ attempts }) => attempts).reduce((sum, one) => sum + BigInt(one.costNano), 0n);
			expect(nano(report.cost_usd)).toBe(spent);
			for (const parts of [report.by_bucket, report.by_deployment]) {
				expect(parts.reduce((sum, { cost_usd }) => sum + nano(cost_usd), 0n)).toBe(spent);
				expect(parts.reduce((sum, { errors }) => sum + errors, 0)).toBe(report.errors);
			}
			expect(report.by_bucket.reduce((sum, one) => sum + one.requests, 0)).toBe(report.requests);
			for (const { actual_cost_usd, other_cost_usd, saving_usd, asked, compared, not_compared } of report.shadow) {
				expect(nano(actual_cost_usd) - nano(other_cost_usd)).toBe(nano(saving_usd));
				expect(compared + not_compared.gone + not_compared.unanswered + not_compared.unpriced).toBe(asked);
			}
		}),
	);
});

/** Beyond what parseUsd() takes for an amount: sums are larger than a row may be. */
function nano(usd: string): bigint {
	const [whole = "", fraction = ""] = usd.replace("-", "").split(".");
	const amount = BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
	return usd.startsWith("-") ? -amount : amount;
}

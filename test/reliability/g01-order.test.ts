/**
 * G1, its root. Goal: no provider is called before the row that says so is on disk, so that there is no moment at which a
 * kill -9 could lose a call.
 *
 * Measure: bursts of 600 requests at once on one gateway, a third of whose attempts fail and are made again; the provider
 * looks for the row of each call, by a connection of its own, at the moment the call arrives: 0 are missing.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { databaseIn } from "./books.ts";
import type { Mood } from "./call-plan.ts";
import { promptOf } from "./call-plan.ts";
import { exchange } from "./exchange.ts";
import { createRig, mintKey, stopCleanly } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const BURSTS = scaled(3, 40);
const AT_ONCE = 600;
const MOOD: Mood = {
	fates: { answers: 65, errors: 20, resets: 5, hangs_up: 5, falls_silent: 5 },
	delayMs: [0, 20],
	streamMs: [0, 10],
	tokens: [1, 20],
};

test(
	`G1: ${BURSTS} bursts of ${AT_ONCE}: every call finds its row on disk when it arrives`,
	async () => {
		await using rig = await createRig("G1 order", MOOD);
		await using gateway = await rig.start();
		const key = await mintKey(gateway);
		const client = new Database(databaseIn(rig.dataDirectory()), { readonly: true });
		const row = client.query("select 1 from attempts where request_id = ? and model = ?");
		const missing: unknown[] = [];
		rig.upstream.onCall((call) => {
			if (row.get(call.request_id, call.model) === null) {
				missing.push({ ...call, atOnce: rig.upstream.calls() });
			}
		});
		for (let burst = 0; burst < BURSTS; burst += 1) {
			await Promise.all(
				Array.from({ length: AT_ONCE }, () =>
					exchange({
						url: gateway.url,
						key: key.secret,
						body: {
							model: "chat",
							max_tokens: 20,
							messages: [{ role: "user", content: promptOf(rig.random, 5) }],
							stream: rig.random.chance(0.5),
						},
					}),
				),
			);
		}
		client.close();
		report("G1 order", rig.seed, { calls: rig.upstream.calls(), missing: missing.length });
		expect(missing.slice(0, 3)).toEqual([]);
		await stopCleanly(gateway);
	},
	deadlineMs(30_000, 5),
);

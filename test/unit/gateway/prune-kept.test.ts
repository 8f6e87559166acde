import { expect, test } from "bun:test";
import { startPruning } from "../../../src/gateway/prune-kept.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { conversationRecord, DAY_MS, turnRecord } from "../../support/kept-samples.ts";
import { openKept } from "../../support/kept-service.ts";
import { until } from "../../support/wait.ts";

const logger = createLogger({ write: () => undefined, format: "json", level: "error", now: Date.now });
const EVERYTHING = { nowMs: 0, keptSinceMs: 0 };

test("what is over goes by itself, slice after slice, and what is not stays", async () => {
	await using kept = await openKept();
	const { responses, conversations } = kept.store;
	for (let index = 0; index < 150; index += 1) {
		await responses.save({ record: turnRecord(`resp_${index}`), append: undefined });
	}
	await conversations.create(conversationRecord("conv_1"), []);
	kept.clock.advance(30 * DAY_MS);
	const nowMs = kept.clock.now();
	await responses.save({
		record: turnRecord("resp_new", { createdAtMs: nowMs, expiresAtMs: nowMs + DAY_MS }),
		append: undefined,
	});
	const stop = startPruning({
		responses,
		clock: kept.clock,
		retentionMs: () => kept.settings.retentionMs,
		logger,
		everyMs: 5,
	});
	try {
		await until("the old ones to go", async () => (await conversations.get("conv_1", EVERYTHING)) === undefined);
		expect(await responses.get("resp_0", EVERYTHING)).toBeUndefined();
		expect(await responses.get("resp_149", EVERYTHING)).toBeUndefined();
		expect(await responses.get("resp_new", EVERYTHING)).toBeDefined();
		kept.settings.retentionMs = 0;
		await until("the last one to go", async () => (await responses.get("resp_new", EVERYTHING)) === undefined);
	} finally {
		stop();
	}
});

/** A store whose disk is full. */
function refusing() {
	const store = {
		asked: 0,
		prune() {
			store.asked += 1;
			return Promise.reject(new Error("disk full"));
		},
	};
	return store;
}

test("a disk that refuses is asked again later, and nothing is asked once it is stopped", async () => {
	const clock = { now: () => 0, monotonic: () => 0 };
	const common = { clock, retentionMs: () => DAY_MS, logger, everyMs: 1 };
	const stopped = refusing();
	const running = refusing();
	const stop = startPruning({ ...common, responses: stopped });
	await until("it to be asked twice", () => stopped.asked >= 2);
	stop();
	const before = stopped.asked;
	const stopRunning = startPruning({ ...common, responses: running });
	await until("another to be asked", () => running.asked >= 3);
	stopRunning();
	expect(stopped.asked).toBe(before);
});

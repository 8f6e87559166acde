import { newRequestId } from "../../../src/lib/ids.ts";
import { openOutbox } from "../../../src/store/outbox.ts";
import { createPostgresWriter } from "../../../src/store/postgres-writer.ts";
import { systemScheduler } from "../../../src/store/scheduler.ts";
import { closing, opening, openLog } from "./ledger-samples.ts";

/**
 * Run by outbox-crash.test.ts until it is killed: prints the id of each request once its settle is acknowledged. The
 * database comes and goes; it may write rows and not say so.
 */
const [directory = "", database = "", mode = "flaky"] = process.argv.slice(2);
const PHASE_MS = 40;
const ledger = openLog({ directory, database });
const startedMs = performance.now();

function isAway(): boolean {
	return mode === "away" || Math.floor((performance.now() - startedMs) / PHASE_MS) % 2 === 0;
}

const writer = createPostgresWriter({
	log: {
		async write(openings, settles) {
			const wasAway = isAway();
			if (!wasAway || settles.length % 2 === 1) {
				ledger.log.write(openings, mode === "away" ? [] : settles);
			}
			if (wasAway) {
				throw new Error("connection lost");
			}
		},
	},
	outbox: openOutbox({ directory }),
	instance: "ins_1",
	scheduler: systemScheduler,
	onProblem: ({ kind }) => process.stderr.write(kind === "settle_lost" ? `${kind}\n` : ""),
});

async function settleOne(): Promise<void> {
	const attempt = opening({ requestId: newRequestId() });
	const atMs = Date.now();
	writer.opened(attempt, atMs);
	await new Promise((resolve) => setImmediate(resolve));
	await writer.settled(attempt, atMs, closing(), atMs + 1);
	process.stdout.write(`${attempt.requestId}\n`);
}

await Promise.all(
	Array.from({ length: 8 }, async () => {
		for (;;) {
			await settleOne();
		}
	}),
);

import { systemClock } from "../../../src/lib/clock.ts";
import { newRequestId } from "../../../src/lib/ids.ts";
import { createUpkeep } from "../../../src/store/upkeep.ts";
import { closing, DAY_MS, opening, openStore } from "./ledger-samples.ts";

/** Run by prune-crash.test.ts until it is killed: prunes while requests are settled, and prints a line after each slice. */
const [directory = "", database = ""] = process.argv.slice(2);
const store = await openStore({ directory, database });
await store.attempts.recover(Date.now());

async function settle(atMs: number, attempts: number): Promise<void> {
	const requestId = newRequestId();
	for (let attempt = 0; attempt < attempts; attempt += 1) {
		const provider = attempt % 2 === 0 ? "openai" : "groq";
		await store.writer.settled(opening({ requestId, attempt, provider }), atMs, closing(), atMs + 1);
	}
}

/** Old enough to go, over midnight too. */
async function settleOld(): Promise<void> {
	const midnightMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - 100 * DAY_MS;
	await Promise.all(Array.from({ length: 400 }, (_, index) => settle(midnightMs - 200 + index, 1 + (index % 3))));
}

await settleOld();
const upkeep = createUpkeep({
	housekeeping: store.housekeeping,
	// An hour passes with each look, so that no day rests.
	clock: { ...systemClock, monotonic: () => systemClock.monotonic() * 3_600_000 },
	settings: () => ({ retentionMs: 90 * DAY_MS, bytesMax: 2 ** 30 }),
	logger: {
		info() {},
		warn() {},
		error(event, fields) {
			process.stdout.write(`BAD ${event} ${JSON.stringify(fields)}\n`);
		},
	},
	async pause() {
		await settle(Date.now(), 2);
		process.stdout.write("slice\n");
	},
});
for (;;) {
	await upkeep.round();
	await settleOld();
}

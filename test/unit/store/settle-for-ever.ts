import { newRequestId } from "../../../src/lib/ids.ts";
import { closing, opening, openStore } from "./ledger-samples.ts";

/** Run by crash.test.ts until it is killed: prints the id of each request once its settle is acknowledged. */
const [directory = "", database = ""] = process.argv.slice(2);
const store = await openStore({ directory, database });

async function settleOne(): Promise<void> {
	const attempt = opening({ requestId: newRequestId() });
	const atMs = Date.now();
	store.writer.opened(attempt, atMs);
	await new Promise((resolve) => setImmediate(resolve));
	await store.writer.settled(attempt, atMs, closing(), atMs + 1);
	process.stdout.write(`${attempt.requestId}\n`);
}

await Promise.all(
	Array.from({ length: 8 }, async () => {
		for (;;) {
			await settleOne();
		}
	}),
);

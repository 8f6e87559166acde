import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { openStore, temporaryDirectory } from "./ledger-samples.ts";

const KILLS = 12;
/** Long enough for a few hundred settles, and a different moment each time. */
const ACKNOWLEDGED_MIN = 100;

/** Starts a gateway's ledger in a process of its own, and kills it once it has acknowledged enough settles. */
async function killWhileSettling(place: { directory: string; database: string }, cycle: number): Promise<string[]> {
	const child = Bun.spawn({
		cmd: [process.execPath, join(import.meta.dir, "settle-for-ever.ts"), place.directory, place.database],
		stdout: "pipe",
		stderr: "inherit",
	});
	const decoder = new TextDecoder();
	let text = "";
	for await (const bytes of child.stdout) {
		text += decoder.decode(bytes, { stream: true });
		if (!child.killed && text.split("\n").length > ACKNOWLEDGED_MIN + cycle * 37) {
			child.kill("SIGKILL");
		}
	}
	await child.exited;
	// The last line may be cut in the middle of an id.
	return text.split("\n").slice(0, -1);
}

test("kill -9 loses no acknowledged settle and doubles none, however often", async () => {
	using place = temporaryDirectory();
	const acknowledged: string[] = [];
	for (let cycle = 0; cycle < KILLS; cycle += 1) {
		acknowledged.push(...(await killWhileSettling(place, cycle)));
	}
	expect(acknowledged.length).toBeGreaterThanOrEqual(KILLS * ACKNOWLEDGED_MIN);

	const store = await openStore(place);
	const recovered = await store.attempts.recover(Date.now());
	const [total] = await store.attempts.spend({ fromMs: 0, toMs: Date.now() * 2, groupBy: [] });
	await store.close();

	const client = new Database(place.database, { readonly: true });
	const rows = client.query<{ id: string; cost: number; outcome: string }, []>(
		"select request_id as id, cost_nano as cost, outcome from attempts",
	);
	const costs = new Map(rows.all().map((row) => [row.id, row]));
	const lost = acknowledged.filter((id) => costs.get(id)?.outcome !== "ok");
	const sum = [...costs.values()].reduce((total, { cost }) => total + BigInt(cost), 0n);
	const integrity = client.query("PRAGMA integrity_check").all();
	client.close();
	expect({ lost, integrity, sum }).toEqual({
		lost: [],
		integrity: [{ integrity_check: "ok" }],
		sum: total?.costNano ?? -1n,
	});
	expect(total?.requests).toBe(costs.size);
	expect(recovered.every(({ costNano }) => costNano === 500_000)).toBe(true);
});

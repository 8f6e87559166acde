import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { openStore, temporaryDirectory } from "./ledger-samples.ts";

const KILLS = Number(process.env.KILL_ROUNDS ?? 12);

/** Prunes in a process of its own, and kills it at another moment each time. */
async function killWhilePruning(place: { directory: string; database: string }, cycle: number): Promise<string> {
	const child = Bun.spawn({
		cmd: [process.execPath, join(import.meta.dir, "prune-for-ever.ts"), place.directory, place.database],
		stdout: "pipe",
		stderr: "inherit",
	});
	const decoder = new TextDecoder();
	let text = "";
	let timer: ReturnType<typeof setTimeout> | undefined;
	for await (const bytes of child.stdout) {
		text += decoder.decode(bytes, { stream: true });
		// A few microseconds to a few milliseconds after a slice: in the next one, or between two.
		if (timer === undefined && text.split("\n").length > 2 + (cycle % 5)) {
			timer = setTimeout(() => child.kill("SIGKILL"), cycle % 7);
		}
	}
	await child.exited;
	return text;
}

test(
	"kill -9 in the middle of pruning leaves rows and daily sums that agree, however often",
	async () => {
		using place = temporaryDirectory();
		let output = "";
		for (let cycle = 0; cycle < KILLS; cycle += 1) {
			output += await killWhilePruning(place, cycle);
			const store = await openStore(place);
			const client = new Database(place.database, { readonly: true });
			const days = client
				.query<{ day: number }, []>("select day from spend_days union select opened_at / 86400000 from attempts")
				.all();
			client.close();
			for (const { day } of days) {
				expect((await store.housekeeping.checkDay(day)).differences).toEqual([]);
			}
			await store.close();
		}
		expect(output).not.toContain("BAD");
		const client = new Database(place.database, { readonly: true });
		const [sum] = client
			.query<{ pruned: number; left: number; booked: number }, []>(
				`select (select sum(attempts) from pruned_days) as pruned, (select count(*) from attempts where settled_at is not null) as left,
		 (select sum(cost_nano) / 99000 from spend_days) as booked`,
			)
			.all();
		const integrity = client.query("PRAGMA integrity_check").all();
		client.close();
		expect(integrity).toEqual([{ integrity_check: "ok" }]);
		expect(sum?.pruned).toBeGreaterThan(KILLS * 200);
		expect((sum?.pruned ?? 0) + (sum?.left ?? 0)).toBe(sum?.booked ?? -1);
	},
	60_000 + KILLS * 3_000,
);

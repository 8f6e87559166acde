import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { SQLITE_MIGRATIONS } from "../../../src/store/migrations.sqlite.ts";
import { openDatabase } from "../../../src/store/open.ts";
import { createUpkeep } from "../../../src/store/upkeep.ts";
import { DAY_MS, openOptions, openStore, temporaryDirectory } from "./ledger-samples.ts";

const START_MS = Date.UTC(2030, 0, 31, 23);
const ROWS = 2_000;

/** A database as the release with so many migrations wrote it, with rows, sums and failovers over midnight. */
function oldDatabase(place: { directory: string; database: string }, version: number): void {
	const { client, close } = openDatabase({ ...openOptions(place), migrations: SQLITE_MIGRATIONS.slice(0, version) });
	client.run("PRAGMA auto_vacuum = NONE");
	const attempt = client.prepare(
		`insert into attempts (request_id, attempt, key_id, team, alias, deployment_id, provider, model, operation, streamed,
		 reserved_nano, price_version, opened_at, settled_at, outcome, usage_source, input, output, seconds, cost_nano)
		 values (?, ?, ?, null, 'a', 'd', ?, 'm', 'chat', 0, 9, ?, ?, ?, 'ok', 'provider', 5, 6, 0.1, ?)`,
	);
	const cell = client.prepare(
		`insert into spend_days (day, key_id, team, provider, model, requests, requests_by_provider, requests_by_model,
		 requests_by_both, unpriced, unpriced_by_provider, unpriced_by_model, unpriced_by_both, errors, input, output, seconds, cost_nano)
		 values (?, ?, '', ?, 'm', ?, 1, ?, 1, ?, ?, ?, ?, 0, 5, 6, 0.1, ?)
		 on conflict do update set requests = requests + excluded.requests, requests_by_provider = requests_by_provider + 1,
		 requests_by_model = requests_by_model + excluded.requests_by_model, requests_by_both = requests_by_both + 1,
		 unpriced = unpriced + excluded.unpriced, unpriced_by_provider = unpriced_by_provider + excluded.unpriced_by_provider,
		 unpriced_by_model = unpriced_by_model + excluded.unpriced_by_model, unpriced_by_both = unpriced_by_both + excluded.unpriced_by_both,
		 input = input + 5, output = output + 6, seconds = seconds + 0.1, cost_nano = cost_nano + excluded.cost_nano`,
	);
	client.transaction(() => {
		for (let index = 0; index < ROWS; index += 1) {
			const requestId = `req_${String(index).padStart(26, "0")}`;
			const attempts = index % 10 === 0 ? 2 : 1;
			for (let number = 0; number < attempts; number += 1) {
				const atMs = START_MS + index * 97_000 + number * 3_600_000;
				const cost = 7 + index;
				const [first, free] = [number === 0 ? 1 : 0, index % 3 === 0 ? 1 : 0];
				const facts = [`vk_${index % 4}`, number === 0 ? "openai" : "groq"] as const;
				attempt.run(requestId, number, ...facts, free ? null : "p", atMs, atMs + 9, cost);
				cell.run(Math.floor(atMs / DAY_MS), ...facts, first, first, first * free, free, first * free, free, cost);
			}
		}
	})();
	close();
}

test.each(SQLITE_MIGRATIONS.map((_, index) => index + 1))(
	"a database of schema %d, opened by this version, reconciles to the nano-dollar, before and after its rows are gone",
	async (version) => {
		using place = temporaryDirectory();
		oldDatabase(place, version);
		const before = sums(place.database);
		const store = await openStore(place);
		expect(sums(place.database)).toEqual(before);
		const days = before.days.map(({ day }) => day);
		expect(days.length).toBeGreaterThan(2);
		for (const day of days) {
			expect((await store.housekeeping.checkDay(day)).differences).toEqual([]);
		}
		const events: string[] = [];
		const tell = (event: string) => void events.push(event);
		const upkeep = createUpkeep({
			housekeeping: store.housekeeping,
			clock: { now: () => START_MS + 400 * DAY_MS, monotonic: () => 0 },
			settings: () => ({ retentionMs: 90 * DAY_MS, bytesMax: 2 ** 30 }),
			logger: { info: tell, warn: tell, error: tell },
			pause: async () => {},
		});
		for (let round = 0; round < days.length; round += 1) {
			await upkeep.round();
		}
		expect(new Set(events)).toEqual(new Set(["storage_pruned"]));
		expect(sums(place.database)).toEqual({ ...before, attempts: 0 });
		for (const day of days) {
			expect(await store.housekeeping.checkDay(day)).toMatchObject({ attempts: 0, differences: [] });
		}
		await store.close();
	},
	20_000,
);

function sums(path: string) {
	const client = new Database(path, { readonly: true });
	const days = client
		.query<{ day: number; cost: number; requests: number }, []>(
			"select day, sum(cost_nano) as cost, sum(requests) as requests from spend_days group by day order by day",
		)
		.all();
	const attempts = client.query<{ n: number }, []>("select count(*) as n from attempts").get()?.n;
	client.close();
	return { days, attempts };
}

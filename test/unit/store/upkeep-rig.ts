import { Database } from "bun:sqlite";
import type { StorageSettings } from "../../../src/config/types.ts";
import type { SqliteStore } from "../../../src/store/sqlite-store.ts";
import { createUpkeep, type Upkeep } from "../../../src/store/upkeep.ts";
import type { LogFields } from "../../../src/telemetry/logger.ts";
import { closing, DAY_MS, opening, openStore, temporaryDirectory } from "./ledger-samples.ts";

const GIBIBYTE = 2 ** 30;

/** A clock that a test sets; both its hands go on together unless it is told otherwise. */
function manualClock(startMs: number) {
	let wallMs = startMs;
	let monotonicMs = 0;
	return {
		now: () => wallMs,
		monotonic: () => monotonicMs,
		pass(milliseconds: number): void {
			wallMs += milliseconds;
			monotonicMs += milliseconds;
		},
		/** Somebody sets the calendar. */
		set(atMs: number): void {
			wallMs = atMs;
		},
	};
}

/** A store on a real file with the keeper of its bounds, on a clock of its own. */
export async function startUpkeepRig(startMs: number, given: Partial<StorageSettings> = {}) {
	const place = temporaryDirectory();
	const clock = manualClock(startMs);
	let store: SqliteStore = await openStore(place);
	const settings = { retentionMs: 90 * DAY_MS, bytesMax: GIBIBYTE, ...given };
	const logs: { readonly level: string; readonly event: string; readonly fields: LogFields | undefined }[] = [];
	const log = (level: string) => (event: string, fields?: LogFields) => void logs.push({ level, event, fields });
	const logger = { info: log("info"), warn: log("warn"), error: log("error") };
	let pauses = 0;
	const newKeeper = () =>
		createUpkeep({
			housekeeping: store.housekeeping,
			clock,
			settings: () => settings,
			logger,
			pause: async () => {
				pauses += 1;
			},
		});
	let keeper: Upkeep = newKeeper();

	/** Reads and spoils with a hand of its own. */
	function sql<Row>(text: string): Row[] {
		const client = new Database(place.database);
		client.run("PRAGMA busy_timeout = 5000");
		const rows = client.query<Row, []>(text).all();
		client.close();
		return rows;
	}

	return {
		place,
		clock,
		settings,
		logs,
		pauses: () => pauses,
		sql,
		store: () => store,
		keeper: () => keeper,
		count: () => sql<{ n: number }>("select count(*) as n from attempts")[0]?.n ?? -1,
		days: () =>
			sql<{ day: number }>("select distinct opened_at / 86400000 as day from attempts order by 1").map(
				({ day }) => day,
			),
		/** Requests settled at the clock's time. */
		async settle(
			requests: number,
			facts: Partial<Parameters<typeof opening>[0]> & { readonly objectId?: string } = {},
		) {
			const { objectId, ...own } = facts;
			const atMs = clock.now();
			await Promise.all(
				Array.from({ length: requests }, (_, index) =>
					store.writer.settled(
						opening(own),
						atMs + index,
						closing({ costNano: 1 + ((index * 7919) % 1_000_003), objectId: objectId && `${objectId}${index}` }),
						atMs + index + 1,
					),
				),
			);
		},
		/** Every day of the roll-ups against its rows and what is known of those that went. */
		async unreconciled() {
			const days = sql<{ day: number }>(
				"select day from spend_days union select opened_at / 86400000 from attempts union select day from pruned_days",
			);
			const checks = await Promise.all(days.map(({ day }) => store.housekeeping.checkDay(day)));
			return checks.flatMap(({ differences }) => differences);
		},
		async total() {
			const [total] = await store.attempts.spend({ fromMs: 0, toMs: 8.64e15, groupBy: [] });
			return { costNano: total?.costNano ?? 0n, requests: total?.requests ?? 0 };
		},
		/** `meanwhile` has the file for itself. */
		async reopen(meanwhile = (_client: Database) => {}) {
			keeper.stop();
			await store.close();
			const client = new Database(place.database);
			meanwhile(client);
			client.close();
			store = await openStore(place);
			keeper = newKeeper();
		},
		async [Symbol.asyncDispose]() {
			keeper.stop();
			await store.close();
			place[Symbol.dispose]();
		},
	};
}

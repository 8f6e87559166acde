import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { SQLITE_MIGRATIONS } from "../../src/store/migrations.sqlite.ts";
import type { Random } from "./random.ts";

/** "GWLM": how a database of the gateway is marked. Written out, so that a change of it shows. */
const APPLICATION_ID = 0x47574c4d;
const DAY_MS = 86_400_000;

export interface OldDatabase {
	readonly rows: number;
	/** Of all rows, and of each key. */
	readonly nano: bigint;
	readonly nanoByKey: ReadonlyMap<string, bigint>;
	/** Attempts that are not settled: the release was killed. */
	readonly dispatched: number;
	readonly dispatchedNano: bigint;
}

/**
 * A database as the release with so many migrations left it, by SQL alone: keys, attempts over some weeks up to now with
 * failovers, their daily sums; and where the schema has them, kept responses and teams.
 */
export function buildOldDatabase(path: string, version: number, rows: number, random: Random): OldDatabase {
	mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
	const client = new Database(path, { create: true });
	client.run("PRAGMA journal_mode = WAL");
	client.run("PRAGMA synchronous = OFF");
	for (const statements of SQLITE_MIGRATIONS.slice(0, version)) {
		client.run(statements);
	}
	client.run(`PRAGMA application_id = ${APPLICATION_ID}`);
	client.run(`PRAGMA user_version = ${version}`);
	client.run("insert into meta (key, value) values ('instance_id', 'the-old-one')");
	const filled = client.transaction(() => fill(client, version, rows, random))();
	client.run("PRAGMA wal_checkpoint(TRUNCATE)");
	client.run("PRAGMA journal_mode = DELETE");
	client.close();
	return filled;
}

function fill(client: Database, version: number, rows: number, random: Random): OldDatabase {
	const now = Date.now();
	const keys = Array.from({ length: 7 }, (_, index) => `vk_0000000000000000000000000${index}`);
	const key = client.prepare(
		`insert into virtual_keys (id, hash, name, team, models, monthly_budget_nano, metadata, enabled, created_at, key_hint)
		 values (?, ?, 'old', ?, '[]', ?, '{}', 1, ?, 'gw_virt_…')`,
	);
	for (const id of keys) {
		key.run(id, `hash of ${id}`, teamOf(id), 9_000_000_000_000, now - 90 * DAY_MS);
	}
	const attempt = client.prepare(
		`insert into attempts (request_id, attempt, key_id, team, alias, deployment_id, provider, model, operation, streamed,
		 reserved_nano, price_version, opened_at, settled_at, outcome, usage_source, input, output, seconds, cost_nano)
		 values (?, ?, ?, ?, 'chat', 'dep', ?, 'm', 'chat', 0, ?, 'config', ?, ?, ?, ?, ?, ?, 0, ?)`,
	);
	const nanoByKey = new Map<string, bigint>();
	let [written, dispatched, nano, dispatchedNano] = [0, 0, 0n, 0n];
	for (let index = 0; written < rows; index += 1) {
		const id = random.pick(keys);
		const openedAt = now - random.int(0, 45 * DAY_MS);
		const requestId = `req_${String(index).padStart(26, "0")}`;
		for (let ordinal = 0; ordinal < (random.chance(0.1) ? 2 : 1); ordinal += 1) {
			const [input, output] = [random.int(1, 5_000), random.int(1, 900)];
			const cost = input * 150 + output * 600;
			const isOpen = random.chance(0.001);
			attempt.run(
				...[requestId, ordinal, id, teamOf(id), ordinal === 0 ? "openai" : "groq", cost + 77, openedAt + ordinal],
				...(isOpen ? [null, null, null, 0, 0, 0] : [openedAt + 900, "ok", "provider", input, output, cost]),
			);
			written += 1;
			dispatched += isOpen ? 1 : 0;
			dispatchedNano += isOpen ? BigInt(cost + 77) : 0n;
			const booked = isOpen ? 0n : BigInt(cost);
			nano += booked;
			nanoByKey.set(id, (nanoByKey.get(id) ?? 0n) + booked);
		}
	}
	sumUp(client);
	if (version >= 3) {
		keep(client, now, Math.ceil(rows / 100));
	}
	if (version >= 4) {
		client.run("insert into teams (team, limits, changed_at) values ('shop', '{\"rpm\":600}', ?)", [now]);
	}
	return { rows: written, nano, nanoByKey, dispatched, dispatchedNano };
}

/** The daily sums of what is there: a request counts at its first attempt in each group. */
function sumUp(client: Database): void {
	client.run(
		`insert into spend_days (day, key_id, team, provider, model, requests, requests_by_provider, requests_by_model,
		 requests_by_both, unpriced, unpriced_by_provider, unpriced_by_model, unpriced_by_both, errors, input, output, seconds, cost_nano)
		 select opened_at / ${DAY_MS}, key_id, coalesce(team, ''), provider, model, sum(attempt = 0), count(*), sum(attempt = 0),
		 count(*), 0, 0, 0, 0, 0, sum(input), sum(output), 0, sum(cost_nano)
		 from attempts where settled_at is not null group by 1, 2, 3, 4, 5`,
	);
}

function keep(client: Database, now: number, count: number): void {
	const response = client.prepare(
		`insert into responses (id, key_id, created_at, expires_at, alias, bytes, input_items, response)
		 values (?, 'vk_00000000000000000000000000', ?, ?, 'chat', 2, '[]', '{}')`,
	);
	for (let index = 0; index < count; index += 1) {
		response.run(`resp_${index}`, now - index, now + 20 * DAY_MS);
	}
}

/** Some keys have a team. */
function teamOf(keyId: string): string | null {
	return Number(keyId.at(-1)) < 4 ? "shop" : null;
}

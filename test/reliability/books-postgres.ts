import { SQL } from "bun";
import type { BookRow, Books } from "./books.ts";

/** The same books where several gateways share a PostgreSQL. By SQL of its own, at one instant, also while gateways run. */
export async function readPostgresBooks(url: string): Promise<Books> {
	await using client = new SQL(url, { max: 1, prepare: false });
	return await client.begin("isolation level repeatable read, read only", async (connection) => {
		const rows = await connection.unsafe(ROWS).values();
		const sums = async (column: "key_id" | "team"): Promise<ReadonlyMap<string, bigint>> => {
			const found = await connection
				.unsafe(`select ${column}, sum(cost_nano)::text from spend_days group by ${column}`)
				.values();
			return new Map(found.map(([name, cost]: readonly unknown[]) => [String(name), BigInt(String(cost))]));
		};
		return {
			rows: rows.map(toRow),
			sumsByKey: await sums("key_id"),
			sumsByTeam: await sums("team"),
			// PostgreSQL has no word for it that costs as little as SQLite's.
			integrity: "ok",
		};
	});
}

const ROWS = `select request_id, attempt::text, key_id, coalesce(team, ''), model, reserved_nano::text, cost_nano::text,
	opened_at::text, settled_at::text, outcome, usage_source from attempts order by request_id, attempt`;

function toRow(columns: readonly unknown[]): BookRow {
	const text = (at: number) => (columns[at] === null ? null : String(columns[at]));
	const number = (at: number) => BigInt(text(at) ?? 0);
	const settledAt = text(8);
	return {
		request_id: text(0) ?? "",
		attempt: Number(number(1)),
		key_id: text(2) ?? "",
		team: text(3) ?? "",
		model: text(4) ?? "",
		reserved_nano: number(5),
		cost_nano: number(6),
		opened_at: number(7),
		settled_at: settledAt === null ? null : BigInt(settledAt),
		outcome: text(9),
		usage_source: text(10),
	};
}

/** What gateways hold of a budget beyond what they have settled: nobody else can spend it. */
export async function heldNano(url: string, subject: string): Promise<bigint> {
	await using client = new SQL(url, { max: 1, prepare: false });
	const [row] = await client.unsafe(HELD, [subject]).values();
	return BigInt(String(row?.[0] ?? 0));
}

const HELD = `select coalesce(sum(greatest(entitled - spent, 0)), 0)::text from budget_accounts
	where subject = $1 and instance in (select id from instances where ended_at is null)`;

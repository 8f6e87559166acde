import { and, desc, eq, inArray, isNull, lt, sql } from "drizzle-orm";
import type { KeyRecord, KeySettings } from "../keys/types.ts";
import type { Db } from "./db.ts";
import type { Tables } from "./tables.ts";
import type { KeyStore } from "./types.ts";

/** Keys whose last use is written by one statement. */
const TOUCH_KEYS_MAX = 500;
const PAGE_KEYS_MAX = 1_000;

type Row = Tables["virtualKeys"]["$inferSelect"];

export interface KeyStoreDeps {
	readonly db: Db;
	readonly tables: Tables;
	/** Lets other work go on between two statements of a long job. */
	readonly turn: () => Promise<void>;
}

export function createKeyStore({ db, tables: { virtualKeys }, turn }: KeyStoreDeps): KeyStore {
	async function find(id: string): Promise<KeyRecord | undefined> {
		const [row] = await db
			.select()
			.from(virtualKeys)
			.where(and(eq(virtualKeys.id, id), isNull(virtualKeys.revokedAt)));
		return row && toRecord(row);
	}

	return {
		async all() {
			const rows = await db.select().from(virtualKeys);
			return rows.map((row) => ({ ...toRecord(row), hash: row.hash }));
		},

		async insert(record) {
			await db.insert(virtualKeys).values(toRow(record));
		},

		get: find,

		async list({ after, limit, team, name }) {
			const size = Math.min(Math.max(1, limit), PAGE_KEYS_MAX);
			const rows = await db
				.select()
				.from(virtualKeys)
				.where(
					and(
						isNull(virtualKeys.revokedAt),
						after === undefined ? undefined : lt(virtualKeys.id, after),
						team === undefined ? undefined : eq(virtualKeys.team, team),
						name === undefined ? undefined : eq(virtualKeys.name, name),
					),
				)
				.orderBy(desc(virtualKeys.id))
				.limit(size + 1);
			const keys = rows.slice(0, size).map(toRecord);
			return { keys, nextAfter: rows.length > size ? keys.at(-1)?.id : undefined };
		},

		async some(ids) {
			const rows = await db
				.select()
				.from(virtualKeys)
				.where(inArray(virtualKeys.id, [...ids]));
			return rows.map((row) => ({ ...toRecord(row), hash: row.hash }));
		},

		async update(id, settings) {
			const changes = toChanges(settings);
			if (Object.keys(changes).length === 0) {
				return find(id);
			}
			const [row] = await db
				.update(virtualKeys)
				.set(changes)
				.where(and(eq(virtualKeys.id, id), isNull(virtualKeys.revokedAt)))
				.returning();
			return row && toRecord(row);
		},

		async revoke(id, atMs) {
			const revoked = await db
				.update(virtualKeys)
				.set({ revokedAt: atMs })
				.where(and(eq(virtualKeys.id, id), isNull(virtualKeys.revokedAt)))
				.returning({ id: virtualKeys.id });
			return revoked.length > 0;
		},

		async touch(lastUsed) {
			const uses = [...lastUsed];
			for (let start = 0; start < uses.length; start += TOUCH_KEYS_MAX) {
				const rows = uses.slice(start, start + TOUCH_KEYS_MAX).map(([id, atMs]) => sql`(${id}, ${atMs})`);
				// Both dialects call the columns of VALUES column1 and column2. The cast tells Postgres what a parameter is.
				await db
					.update(virtualKeys)
					.set({ lastUsedAt: sql`cast(used.column2 as bigint)` })
					.from(sql`(values ${sql.join(rows, sql`, `)}) as used`)
					.where(sql`${virtualKeys.id} = used.column1`);
				await turn();
			}
		},
	};
}

function toRecord(row: Row): KeyRecord {
	return {
		id: row.id,
		name: row.name ?? undefined,
		team: row.team ?? undefined,
		models: row.models,
		rpm: row.rpm ?? undefined,
		tpm: row.tpm ?? undefined,
		monthlyBudgetNano: row.monthlyBudgetNano ?? undefined,
		maxParallelRequests: row.maxParallelRequests ?? undefined,
		forceStrategy: row.forceStrategy ?? undefined,
		expiresAt: row.expiresAt ?? undefined,
		metadata: row.metadata,
		enabled: row.enabled,
		createdAt: row.createdAt,
		lastUsedAt: row.lastUsedAt ?? undefined,
		revokedAt: row.revokedAt ?? undefined,
		keyHint: row.keyHint,
	};
}

function toRow(record: KeyRecord & { readonly hash: string }): Row {
	return {
		id: record.id,
		hash: record.hash,
		name: record.name ?? null,
		team: record.team ?? null,
		models: record.models,
		rpm: record.rpm ?? null,
		tpm: record.tpm ?? null,
		monthlyBudgetNano: record.monthlyBudgetNano ?? null,
		maxParallelRequests: record.maxParallelRequests ?? null,
		forceStrategy: record.forceStrategy ?? null,
		expiresAt: record.expiresAt ?? null,
		metadata: record.metadata,
		enabled: record.enabled,
		createdAt: record.createdAt,
		lastUsedAt: record.lastUsedAt ?? null,
		revokedAt: record.revokedAt ?? null,
		keyHint: record.keyHint,
	};
}

const SETTINGS = [
	"name",
	"team",
	"models",
	"rpm",
	"tpm",
	"monthlyBudgetNano",
	"maxParallelRequests",
	"forceStrategy",
	"expiresAt",
	"metadata",
	"enabled",
] as const satisfies readonly (keyof KeySettings)[];

/** A setting that is present and undefined is cleared; one that is absent stays. Nothing but settings gets through. */
function toChanges(settings: Partial<KeySettings>): Partial<Row> {
	return Object.fromEntries(SETTINGS.filter((name) => name in settings).map((name) => [name, settings[name] ?? null]));
}

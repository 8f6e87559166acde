import { and, desc, eq, inArray, isNull, lt, sql } from "drizzle-orm";
import type { KeyRecord, KeySettings } from "../keys/types.ts";
import type { Db } from "./db.ts";
import type { Recorded } from "./recorded.ts";
import type { Tables } from "./tables.ts";
import type { KeyStore } from "./types.ts";

/** Keys whose last use is written by one statement. */
const TOUCH_KEYS_MAX = 500;
const PAGE_KEYS_MAX = 1_000;

type Row = Tables["virtualKeys"]["$inferSelect"];

export interface KeyStoreDeps {
	readonly db: Db;
	readonly tables: Tables;
	readonly recorded: Recorded;
	/** Lets other work go on between two statements of a long job. */
	readonly turn: () => Promise<void>;
}

export function createKeyStore(deps: KeyStoreDeps): KeyStore {
	return { ...keyReads(deps), ...keyWrites(deps), touch: createTouch(deps) };
}

function keyReads({ db, tables: { virtualKeys } }: KeyStoreDeps): Pick<KeyStore, "all" | "get" | "list" | "some"> {
	return {
		async all() {
			return (await db.select().from(virtualKeys)).map(withHash);
		},

		async get(id) {
			const [row] = await db
				.select()
				.from(virtualKeys)
				.where(and(eq(virtualKeys.id, id), isNull(virtualKeys.revokedAt)));
			return row && toRecord(row);
		},

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
			return rows.map(withHash);
		},
	};
}

function keyWrites(deps: KeyStoreDeps): Pick<KeyStore, "insert" | "update" | "revoke"> {
	const {
		tables: { virtualKeys },
		recorded,
	} = deps;
	const { get } = keyReads(deps);

	function change(id: string, set: Partial<Row>): Promise<Row[]> {
		return recorded({ kind: "key", id }, (tx) =>
			tx
				.update(virtualKeys)
				.set(set)
				.where(and(eq(virtualKeys.id, id), isNull(virtualKeys.revokedAt)))
				.returning(),
		);
	}

	return {
		async insert(record) {
			await recorded({ kind: "key", id: record.id }, (tx) =>
				tx.insert(virtualKeys).values(toRow(record)).returning({ id: virtualKeys.id }),
			);
		},

		async update(id, settings) {
			const changes = toChanges(settings);
			if (Object.keys(changes).length === 0) {
				return get(id);
			}
			const [row] = await change(id, changes);
			return row && toRecord(row);
		},

		async revoke(id, atMs) {
			return (await change(id, { revokedAt: atMs })).length > 0;
		},
	};
}

/** Nothing that another instance would have to hear of. */
function createTouch({ db, tables: { virtualKeys }, turn }: KeyStoreDeps): KeyStore["touch"] {
	return async (lastUsed) => {
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
	};
}

function withHash(row: Row): KeyRecord & { readonly hash: string } {
	return { ...toRecord(row), hash: row.hash };
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

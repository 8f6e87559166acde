import { sql } from "drizzle-orm";
import type { Columns } from "./columns.sqlite.ts";

/** What instances that share a database know of each other. SQLite's one process needs none of it. */
export function defineSharedTables(columns: Columns) {
	return {
		instances: instancesTable(columns),
		budgetAccounts: budgetAccountsTable(columns),
		changes: changesTable(columns),
		/** One row: the number of the last change. Whoever makes a change holds it until the change is committed. */
		changeCounter: columns.table(
			"change_counter",
			{
				id: columns.integer("id").primaryKey(),
				last: columns.integer("last").notNull(),
			},
			() => [columns.check("change_counter_one", sql`id = 1`)],
		),
	};
}

/** The processes that use this database. Instants are of the database's clock, Unix milliseconds. */
function instancesTable(columns: Columns) {
	return columns.table("instances", {
		id: columns.text("id").primaryKey(),
		/** Another one each time it begins to live, so that it finds out that it was taken for dead. */
		startedAt: columns.integer("started_at").notNull(),
		seenAt: columns.integer("seen_at").notNull(),
		/** Taken for dead, or leaving: it is granted nothing more. The row goes when all that it left is settled. */
		endedAt: columns.integer("ended_at"),
	});
}

/**
 * What each instance holds and has spent of a budget in a month (limits/month.ts). Of an instance that is gone only what
 * it spent counts; that is moved to the instance "".
 */
function budgetAccountsTable(columns: Columns) {
	return columns.table(
		"budget_accounts",
		{
			/** `key:vk_…` or `team:NAME`. */
			subject: columns.text("subject").notNull(),
			month: columns.integer("month").notNull(),
			instance: columns.text("instance").notNull(),
			/** What the instance may spend in all: grows by what it is granted, shrinks by what it gives back. */
			entitled: columns.integer("entitled").notNull(),
			/** What it has settled. Kept by the statement that settles. */
			spent: columns.integer("spent").notNull(),
			/** Of the last lease that counted. */
			sequence: columns.integer("sequence").notNull(),
		},
		(account) => [
			columns.primaryKey({ columns: [account.subject, account.month, account.instance] }),
			columns.index("budget_accounts_instance").on(account.instance).where(sql`instance <> ''`),
			columns.check("budget_accounts_positive", sql`entitled >= 0 and spent >= 0`),
		],
	);
}

/**
 * What administrators have changed: one row for each thing, with the number of its last change. So the table never grows
 * beyond what there is, and nobody who was away for long misses anything.
 */
function changesTable(columns: Columns) {
	return columns.table(
		"changes",
		{
			kind: columns.text("kind").notNull(),
			id: columns.text("id").notNull(),
			/** Numbers are given out in the order of the commits. */
			seq: columns.integer("seq").notNull(),
		},
		(change) => [
			columns.primaryKey({ columns: [change.kind, change.id] }),
			columns.uniqueIndex("changes_seq").on(change.seq),
		],
	);
}

import { postgresColumns } from "./columns.postgres.ts";
import { defineSharedTables } from "./tables.postgres.ts";
import { defineTables } from "./tables.ts";

/** drizzle-kit reads the tables from the exports of this file. */
export const {
	virtualKeys,
	teams,
	attempts,
	spendDays,
	prunedDays,
	unservedRequests,
	responses,
	responseItems,
	conversations,
	conversationItems,
	deploymentStates,
	meta,
} = defineTables(postgresColumns);

export const { instances, budgetAccounts, changes, changeCounter } = defineSharedTables(postgresColumns);

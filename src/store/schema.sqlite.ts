import { sqliteColumns } from "./columns.sqlite.ts";
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
} = defineTables(sqliteColumns);

import { sqliteColumns } from "./columns.sqlite.ts";
import { defineTables } from "./tables.ts";

/** drizzle-kit reads the tables from the exports of this file. */
export const { virtualKeys, attempts, spendDays, deploymentStates, meta } = defineTables(sqliteColumns);

import type { OperationId } from "../dialects/types.ts";
import type { Columns } from "./columns.sqlite.ts";

/** Requests that were let in and that no provider was asked for. They cost nothing, so nothing is added up by them. */
export function unservedRequestsTable(columns: Columns) {
	return columns.table(
		"unserved_requests",
		{
			requestId: columns.text("request_id").primaryKey(),
			at: columns.integer("at").notNull(),
			keyId: columns.text("key_id").notNull(),
			team: columns.text("team"),
			alias: columns.text("alias").notNull(),
			operation: columns.text("operation").$type<OperationId>().notNull(),
			streamed: columns.boolean("streamed").notNull(),
			/** What the client was told. */
			status: columns.integer("status").notNull(),
			code: columns.text("code"),
			/** See routing/decision-text.ts. */
			decision: columns.text("decision").notNull(),
		},
		(row) => [columns.index("unserved_requests_at").on(row.at)],
	);
}

import { sql } from "drizzle-orm";
import type { Strategy } from "../config/types.ts";
import type { OperationId } from "../dialects/types.ts";
import type { JsonObject } from "../lib/json-types.ts";
import type { TeamOverrides } from "../limits/team-types.ts";
import type { AttemptOutcome, UsageSource } from "../metering/ledger-types.ts";
import type { Columns } from "./columns.sqlite.ts";
import { unservedRequestsTable } from "./unserved-table.ts";

/**
 * Every table, written once and given the column kit of a dialect. Only kit columns, so that both dialects mean the same.
 * Conditions are bare SQL text: drizzle-kit would qualify a column with its table, which a rebuilt table no longer has.
 */
export function defineTables(columns: Columns) {
	return {
		virtualKeys: virtualKeysTable(columns),
		teams: teamsTable(columns),
		attempts: attemptsTable(columns),
		spendDays: spendDaysTable(columns),
		prunedDays: prunedDaysTable(columns),
		unservedRequests: unservedRequestsTable(columns),
		responses: responsesTable(columns),
		responseItems: responseItemsTable(columns),
		conversations: conversationsTable(columns),
		conversationItems: conversationItemsTable(columns),
		deploymentStates: columns.table("deployment_states", {
			deploymentId: columns.text("deployment_id").primaryKey(),
			enabled: columns.boolean("enabled").notNull(),
			changedAt: columns.integer("changed_at").notNull(),
		}),
		/** Facts about the database itself, such as its instance id. */
		meta: columns.table("meta", {
			key: columns.text("key").primaryKey(),
			value: columns.text("value").notNull(),
		}),
	};
}

export type Tables = ReturnType<typeof defineTables>;

function virtualKeysTable(columns: Columns) {
	return columns.table(
		"virtual_keys",
		{
			id: columns.text("id").primaryKey(),
			/** SHA-256 of the secret, hex: the right hash for 256 random bits. */
			hash: columns.text("hash").notNull(),
			name: columns.text("name"),
			team: columns.text("team"),
			models: columns.json("models").$type<readonly string[]>().notNull(),
			rpm: columns.integer("rpm"),
			tpm: columns.integer("tpm"),
			monthlyBudgetNano: columns.integer("monthly_budget_nano"),
			maxParallelRequests: columns.integer("max_parallel_requests"),
			forceStrategy: columns.text("force_strategy").$type<Strategy>(),
			expiresAt: columns.integer("expires_at"),
			metadata: columns.json("metadata").$type<JsonObject>().notNull(),
			enabled: columns.boolean("enabled").notNull(),
			createdAt: columns.integer("created_at").notNull(),
			lastUsedAt: columns.integer("last_used_at"),
			/** Revoked keys stay, so that their token is told what happened to it. */
			revokedAt: columns.integer("revoked_at"),
			keyHint: columns.text("key_hint").notNull(),
		},
		(key) => [
			columns.uniqueIndex("virtual_keys_hash").on(key.hash),
			columns.index("virtual_keys_team").on(key.team, key.id),
			columns.index("virtual_keys_name").on(key.name, key.id),
			columns.check("virtual_keys_budget_positive", sql`monthly_budget_nano >= 0`),
		],
	);
}

/** What administrators have set for teams, by the API. Teams that have only the file's limits, or none, have no row. */
function teamsTable(columns: Columns) {
	return columns.table("teams", {
		team: columns.text("team").primaryKey(),
		/** By name of the limit: a number, or null = lifted. One that is absent is the file's, which no column can say. */
		limits: columns.json("limits").$type<TeamOverrides>().notNull(),
		changedAt: columns.integer("changed_at").notNull(),
	});
}

/** The disjoint buckets of lib/usage.ts. */
function usageColumns(columns: Columns) {
	return {
		input: columns.integer("input").notNull().default(0),
		cacheRead: columns.integer("cache_read").notNull().default(0),
		cacheWrite: columns.integer("cache_write").notNull().default(0),
		output: columns.integer("output").notNull().default(0),
		reasoning: columns.integer("reasoning").notNull().default(0),
		audioInput: columns.integer("audio_input").notNull().default(0),
		audioOutput: columns.integer("audio_output").notNull().default(0),
		images: columns.integer("images").notNull().default(0),
		seconds: columns.decimal("seconds").notNull().default(0),
		characters: columns.integer("characters").notNull().default(0),
		cacheWriteHour: columns.integer("cache_write_hour").notNull().default(0),
		imageInput: columns.integer("image_input").notNull().default(0),
		imageOutput: columns.integer("image_output").notNull().default(0),
		searches: columns.integer("searches").notNull().default(0),
	};
}

/**
 * The ledger: one row for each provider attempt. Dispatched while `settled_at` is null, settled for good afterwards.
 * A null `price_version` is an unpriced attempt. Request ids grow with time, so rows and indices are appended to.
 */
function attemptsTable(columns: Columns) {
	return columns.table(
		"attempts",
		{
			requestId: columns.text("request_id").notNull(),
			attempt: columns.integer("attempt").notNull(),
			keyId: columns.text("key_id").notNull(),
			team: columns.text("team"),
			alias: columns.text("alias").notNull(),
			deploymentId: columns.text("deployment_id").notNull(),
			provider: columns.text("provider").notNull(),
			model: columns.text("model").notNull(),
			operation: columns.text("operation").$type<OperationId>().notNull(),
			streamed: columns.boolean("streamed").notNull(),
			reservedNano: columns.integer("reserved_nano").notNull(),
			priceVersion: columns.text("price_version"),
			openedAt: columns.integer("opened_at").notNull(),
			settledAt: columns.integer("settled_at"),
			outcome: columns.text("outcome").$type<AttemptOutcome>(),
			upstreamStatus: columns.integer("upstream_status"),
			errorClass: columns.text("error_class"),
			usageSource: columns.text("usage_source").$type<UsageSource>(),
			...usageColumns(columns),
			costNano: columns.integer("cost_nano").notNull().default(0),
			ttftMs: columns.integer("ttft_ms"),
			durationMs: columns.integer("duration_ms"),
			objectId: columns.text("object_id"),
			/** Whose it is while it is dispatched; null afterwards, and where one process has the database for itself. */
			instance: columns.text("instance"),
			/** How the request was routed (routing/decision-text.ts): of its first attempt. */
			decision: columns.text("decision"),
		},
		(row) => [
			columns.primaryKey({ columns: [row.requestId, row.attempt] }),
			columns.index("attempts_opened_at").on(row.openedAt),
			columns.index("attempts_dispatched").on(row.openedAt).where(sql`settled_at is null`),
			columns.index("attempts_object_id").on(row.objectId).where(sql`object_id is not null`),
			columns.check("attempts_reserved_positive", sql`reserved_nano >= 0`),
			columns.check("attempts_cost_positive", sql`cost_nano >= 0`),
			columns.check(
				"attempts_settled_whole",
				sql`settled_at is null or (outcome is not null and usage_source is not null)`,
			),
		],
	);
}

/** What attempts add up to. */
function spendColumns(columns: Columns) {
	return {
		requests: columns.integer("requests").notNull(),
		requestsByProvider: columns.integer("requests_by_provider").notNull(),
		requestsByModel: columns.integer("requests_by_model").notNull(),
		requestsByBoth: columns.integer("requests_by_both").notNull(),
		unpriced: columns.integer("unpriced").notNull(),
		unpricedByProvider: columns.integer("unpriced_by_provider").notNull(),
		unpricedByModel: columns.integer("unpriced_by_model").notNull(),
		unpricedByBoth: columns.integer("unpriced_by_both").notNull(),
		errors: columns.integer("errors").notNull(),
		...usageColumns(columns),
		costNano: columns.integer("cost_nano").notNull(),
	};
}

/**
 * The settled attempts of a UTC day added up, kept in the transaction that settles them: a report over months reads
 * thousands of rows instead of millions, and so does the start of the gateway.
 * A request counts once in each group, at its first attempt there. Which attempt that is depends on whether the group tells
 * providers or models apart, hence four counters of requests and four of unpriced ones.
 */
function spendDaysTable(columns: Columns) {
	return columns.table(
		"spend_days",
		{
			/** Days since 1970-01-01. */
			day: columns.integer("day").notNull(),
			keyId: columns.text("key_id").notNull(),
			/** "" for keys without a team: a null would never be equal to itself in the primary key. */
			team: columns.text("team").notNull(),
			provider: columns.text("provider").notNull(),
			model: columns.text("model").notNull(),
			...spendColumns(columns),
		},
		(cell) => [columns.primaryKey({ columns: [cell.day, cell.keyId, cell.team, cell.provider, cell.model] })],
	);
}

/**
 * What was deleted of the attempts of a UTC day, added up in the transaction that deletes them. At every moment
 * `spend_days` of a day = its settled attempts + this, so a day can be proved whole for ever, and a crash loses nothing.
 */
function prunedDaysTable(columns: Columns) {
	return columns.table("pruned_days", {
		/** Days since 1970-01-01. */
		day: columns.integer("day").primaryKey(),
		attempts: columns.integer("attempts").notNull(),
		...spendColumns(columns),
	});
}

/**
 * Responses that the gateway keeps itself: what one turn was asked, and what it answered. The turns before it are found by
 * `previous_response_id`, so a long conversation is not written again with each turn.
 * The two JSON texts come last: what is asked about a row mostly stands in front of their overflow pages.
 */
function responsesTable(columns: Columns) {
	return columns.table(
		"responses",
		{
			id: columns.text("id").primaryKey(),
			keyId: columns.text("key_id").notNull(),
			team: columns.text("team"),
			createdAt: columns.integer("created_at").notNull(),
			expiresAt: columns.integer("expires_at").notNull(),
			alias: columns.text("alias").notNull(),
			previousResponseId: columns.text("previous_response_id"),
			conversationId: columns.text("conversation_id"),
			/** UTF-8 bytes of the two texts. */
			bytes: columns.integer("bytes").notNull(),
			/** JSON list: this turn's input items, each with its id. */
			inputItems: columns.text("input_items").notNull(),
			/** JSON: the response as its client saw it. */
			response: columns.text("response").notNull(),
		},
		(row) => [
			columns.index("responses_created_at").on(row.createdAt),
			columns.index("responses_expires_at").on(row.expiresAt),
		],
	);
}

/** Which response made an output item: clients refer to items by id (`item_reference`) without naming the response. */
function responseItemsTable(columns: Columns) {
	return columns.table(
		"response_items",
		{
			itemId: columns.text("item_id").notNull(),
			responseId: columns.text("response_id").notNull(),
		},
		(item) => [
			columns.primaryKey({ columns: [item.itemId, item.responseId] }),
			columns.index("response_items_response").on(item.responseId),
		],
	);
}

function conversationsTable(columns: Columns) {
	return columns.table(
		"conversations",
		{
			id: columns.text("id").primaryKey(),
			keyId: columns.text("key_id").notNull(),
			team: columns.text("team"),
			createdAt: columns.integer("created_at").notNull(),
			/** The last time something was added, taken away or renamed: what its life is counted from. */
			changedAt: columns.integer("changed_at").notNull(),
			expiresAt: columns.integer("expires_at").notNull(),
			metadata: columns.json("metadata").$type<JsonObject>().notNull(),
			/** Items there are now, and the UTF-8 bytes of their texts. */
			items: columns.integer("items").notNull(),
			bytes: columns.integer("bytes").notNull(),
			/** Place of the next item: grows, and is never given out twice. */
			nextPosition: columns.integer("next_position").notNull(),
		},
		(row) => [
			columns.index("conversations_changed_at").on(row.changedAt),
			columns.index("conversations_expires_at").on(row.expiresAt),
		],
	);
}

/** A row an item: appending writes only what is new, and a page of a list reads only its own items. */
function conversationItemsTable(columns: Columns) {
	return columns.table(
		"conversation_items",
		{
			conversationId: columns.text("conversation_id").notNull(),
			position: columns.integer("position").notNull(),
			itemId: columns.text("item_id").notNull(),
			/** UTF-8 bytes of the text. */
			bytes: columns.integer("bytes").notNull(),
			/** JSON. */
			item: columns.text("item").notNull(),
		},
		(row) => [
			columns.primaryKey({ columns: [row.conversationId, row.position] }),
			columns.uniqueIndex("conversation_items_id").on(row.conversationId, row.itemId),
		],
	);
}

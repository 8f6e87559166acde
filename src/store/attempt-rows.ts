import { NO_USAGE, type Usage } from "../lib/usage.ts";
import type { AttemptClosing, AttemptOpening } from "../metering/ledger-types.ts";
import type { Tables } from "./tables.ts";
import type { AttemptRow } from "./types.ts";

/** An attempt that goes into the ledger as dispatched. */
export interface OpeningWrite {
	readonly opening: AttemptOpening;
	readonly openedAtMs: number;
	/** Whose attempt it is, where several instances share a database; undefined: of the one that writes it. */
	readonly instance?: string | undefined;
}

/** An attempt that goes into the ledger as settled, or makes the row that is there settled. */
export interface SettleWrite extends OpeningWrite {
	readonly closing: AttemptClosing;
	readonly settledAtMs: number;
}

type Row = Tables["attempts"]["$inferSelect"];

/** The buckets of lib/usage.ts in the order of the tables. Their columns have the same names. */
export const USAGE_BUCKETS = [
	"input",
	"cacheRead",
	"cacheWrite",
	"output",
	"reasoning",
	"audioInput",
	"audioOutput",
	"images",
	"seconds",
	"characters",
	"cacheWriteHour",
	"imageInput",
	"imageOutput",
	"searches",
] as const satisfies readonly (keyof Usage)[];

/** Columns known when an attempt is dispatched. */
export const OPENING_COLUMNS = [
	"requestId",
	"attempt",
	"keyId",
	"team",
	"alias",
	"deploymentId",
	"provider",
	"model",
	"operation",
	"streamed",
	"reservedNano",
	"priceVersion",
	"openedAt",
	"decision",
] as const satisfies readonly (keyof Row)[];

/** Columns known when it is settled. */
export const CLOSING_COLUMNS = [
	"settledAt",
	"outcome",
	"upstreamStatus",
	"errorClass",
	"usageSource",
	...USAGE_BUCKETS,
	"costNano",
	"ttftMs",
	"durationMs",
	"objectId",
] as const satisfies readonly (keyof Row)[];

export function openingColumns({ opening, openedAtMs }: OpeningWrite): Pick<Row, (typeof OPENING_COLUMNS)[number]> {
	return {
		requestId: opening.requestId,
		attempt: opening.attempt,
		keyId: opening.keyId,
		team: opening.team ?? null,
		alias: opening.alias,
		deploymentId: opening.deploymentId,
		provider: opening.provider,
		model: opening.model,
		operation: opening.operation,
		streamed: opening.streamed,
		reservedNano: opening.reservedNano,
		priceVersion: opening.priceVersion ?? null,
		openedAt: openedAtMs,
		decision: opening.decision ?? null,
	};
}

export function closingColumns({ closing, settledAtMs }: SettleWrite): Pick<Row, (typeof CLOSING_COLUMNS)[number]> {
	return {
		settledAt: settledAtMs,
		outcome: closing.outcome,
		upstreamStatus: closing.upstreamStatus ?? null,
		errorClass: closing.errorClass ?? null,
		usageSource: closing.usageSource,
		...countedUsage(closing.usage),
		costNano: closing.costNano,
		ttftMs: closing.ttftMs === undefined ? null : whole(closing.ttftMs),
		durationMs: whole(closing.durationMs),
		objectId: closing.objectId ?? null,
	};
}

/** What the columns can hold, whatever a provider claims. Money is not bent: a wrong cost is a bug, and is refused. */
export function countedUsage(usage: Usage): Usage {
	const { seconds } = usage;
	return {
		input: whole(usage.input),
		cacheRead: whole(usage.cacheRead),
		cacheWrite: whole(usage.cacheWrite),
		output: whole(usage.output),
		reasoning: whole(usage.reasoning),
		audioInput: whole(usage.audioInput),
		audioOutput: whole(usage.audioOutput),
		images: whole(usage.images),
		seconds: Number.isFinite(seconds) && seconds > 0 ? seconds : 0,
		characters: whole(usage.characters),
		cacheWriteHour: whole(usage.cacheWriteHour),
		imageInput: whole(usage.imageInput),
		imageOutput: whole(usage.imageOutput),
		searches: whole(usage.searches),
	};
}

function whole(value: number): number {
	return value > 0 ? Math.min(Math.round(value), Number.MAX_SAFE_INTEGER) : 0;
}

export function toAttemptRow(row: Row): AttemptRow {
	return {
		opening: {
			requestId: row.requestId,
			attempt: row.attempt,
			keyId: row.keyId,
			team: row.team ?? undefined,
			alias: row.alias,
			deploymentId: row.deploymentId,
			provider: row.provider,
			model: row.model,
			operation: row.operation,
			streamed: row.streamed,
			reservedNano: row.reservedNano,
			priceVersion: row.priceVersion ?? undefined,
			decision: row.decision ?? undefined,
		},
		openedAtMs: row.openedAt,
		closing: toClosing(row),
		settledAtMs: row.settledAt ?? undefined,
	};
}

/** undefined while in flight: a check of the table says that a settled row has both facts. */
function toClosing(row: Row): AttemptClosing | undefined {
	if (row.settledAt === null || row.outcome === null || row.usageSource === null) {
		return undefined;
	}
	return {
		outcome: row.outcome,
		upstreamStatus: row.upstreamStatus ?? undefined,
		errorClass: row.errorClass ?? undefined,
		usage: Object.assign({ ...NO_USAGE }, Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, row[bucket]]))),
		usageSource: row.usageSource,
		costNano: row.costNano,
		ttftMs: row.ttftMs ?? undefined,
		durationMs: row.durationMs ?? 0,
		objectId: row.objectId ?? undefined,
	};
}

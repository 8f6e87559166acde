import { z } from "zod";

const ACCEPTED = "must be sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME";

/** The path of `sqlite:PATH` (absolute, or relative to the data directory); undefined for anything else. */
export function sqlitePath(url: string): string | undefined {
	// `sqlite://name` has an ambiguous reading (host or path), so only `sqlite:path` and `sqlite:///path` are taken.
	const match = /^sqlite:(?!\/\/[^/])([^\p{Cc}]+)$/u.exec(url);
	return match?.[1];
}

/** Where keys, the ledger and the state of deployments are kept. */
export const databaseSchema = z.strictObject({
	url: z
		.string({ error: ACCEPTED })
		.max(4_096)
		.refine((url) => sqlitePath(url) !== undefined || isUrlOf(url, ["postgres:", "postgresql:"]), ACCEPTED)
		.optional()
		.describe(
			"`sqlite:PATH` (relative to the data directory) or `postgres://…`. Absent, or the variable DATABASE_URL named here and unset: SQLite in the data directory.",
		),
	max_connections: z.int().min(1).max(1_000).prefault(10).describe("Postgres: most connections of this instance."),
	stale_keys: z
		.enum(["allow", "deny"])
		.prefault("allow")
		.describe(
			"Postgres: what becomes of virtual keys known here when the database was out of reach for more than 30 s, so that one may have been revoked elsewhere: go on, or 503 until it is back. Unknown keys are refused either way.",
		),
});

/** Shared counters for several instances. */
export const redisSchema = z.strictObject({
	url: z
		.string()
		.max(4_096)
		.refine((url) => isUrlOf(url, ["redis:", "rediss:"]), "must be redis://HOST:PORT or rediss://HOST:PORT")
		.optional()
		.describe(
			"`redis://…` or `rediss://…`. Absent, or the variable REDIS_URL named here and unset: limits are counted in each process by itself. A Redis that is away holds up nothing.",
		),
});

function isUrlOf(text: string, protocols: readonly string[]): boolean {
	const url = URL.parse(text);
	return url !== null && protocols.includes(url.protocol) && url.hostname !== "";
}

import { z } from "zod";
import { retentionSchema } from "./duration.ts";

const UNITS: ReadonlyMap<string, number> = new Map([
	["MiB", 2 ** 20],
	["GiB", 2 ** 30],
	["TiB", 2 ** 40],
]);
const SIZE_MIN = 16 * 2 ** 20;
const SIZE_MAX = 64 * 2 ** 40;
const SIZE_ACCEPTED = 'must be a size from 16MiB to 64TiB such as "512MiB" or "10GiB"';

/** Bytes, written with their unit. */
const sizeSchema = z
	.string({ error: SIZE_ACCEPTED })
	.transform((text, context) => {
		const [, amount, unit] = /^(\d{1,9}) ?(MiB|GiB|TiB)$/.exec(text.trim()) ?? [];
		const bytes = Number(amount) * (UNITS.get(unit ?? "") ?? Number.NaN);
		if (!(bytes >= SIZE_MIN && bytes <= SIZE_MAX)) {
			context.addIssue({ code: "custom", message: SIZE_ACCEPTED });
			return z.NEVER;
		}
		return bytes;
	})
	.meta({ title: "size" });

const DAYS_MIN = 2;
const DAY_MS = 86_400_000;
const RETENTION_ACCEPTED = `must be at least ${DAYS_MIN}d: rows of today and yesterday are needed by requests that are running`;

/** What bounds the database of a gateway that runs for years. */
export const storageSchema = z.strictObject({
	retention: retentionSchema
		.refine((spanMs) => spanMs >= DAYS_MIN * DAY_MS, RETENTION_ACCEPTED)
		.prefault("90d")
		.describe(
			"How long the ledger keeps its row of each attempt (`GET /v1/requests/{id}`). Whole UTC days go at a time, once their " +
				"sums are proved to be in the daily ones, which stay: [operations.md](operations.md#what-is-kept-and-for-how-long).",
		),
	max_size: sizeSchema
		.prefault("10GiB")
		.describe(
			"Size of the database file from which more is deleted than `retention` says: first the oldest requests that no " +
				"provider was asked for, then the oldest attempts, then the " +
				"oldest kept responses and conversations. Virtual keys and daily sums never.",
		),
});

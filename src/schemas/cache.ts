import { z } from "zod";

const ttlSeconds = z
	.int()
	.min(1)
	.max(31_536_000)
	.prefault(3_600)
	.describe("How long an answer may be reused, in seconds.");

/** Reuse of answers. */
export const cacheSchema = z.strictObject({
	enabled: z.boolean().prefault(false).describe("Answers equal requests from the cache."),
	ttl_seconds: ttlSeconds,
	semantic: z
		.strictObject({
			enabled: z.boolean().prefault(false).describe("Also answers requests that mean the same."),
			similarity_threshold: z
				.number()
				.gt(0)
				.max(1)
				.prefault(0.93)
				.describe("How alike two prompts must be, 1 = the same.")
				.meta({ title: "number above 0, up to 1" }),
			ttl_seconds: ttlSeconds,
		})
		.prefault({})
		.describe("Reuse by meaning."),
});

import { z } from "zod";
import { headersSchema } from "./headers.ts";
import { secretSchema } from "./text.ts";

/** Somebody to tell about finished requests. */
export const callbackSchema = z.strictObject({
	type: z.enum(["webhook"]).prefault("webhook").describe("How to tell."),
	url: z
		.string()
		.max(2_048)
		.describe("Where to POST. https, unless `allow_private` permits a private address.")
		.meta({ title: "URL" }),
	secret: secretSchema.min(16).optional().describe("Signs each message (HMAC-SHA-256), at least 16 characters."),
	headers: headersSchema.optional().describe("Sent with each message."),
	allow_private: z.boolean().prefault(false).describe("Permits an address on this machine or a private network."),
});

import { createHash } from "node:crypto";

/** "Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9": https://github.com/nearai/ironclaw/issues/1241 (2026). */
const MISTRAL_ID = /^[a-zA-Z0-9]{9}$/;
const LENGTH = 9;

/** The same nine characters for a call and for its result; the id itself where it is one of Mistral's. */
export function mistralToolId(id: string): string {
	if (MISTRAL_ID.test(id)) {
		return id;
	}
	const digest = createHash("sha256").update(id).digest("hex");
	return BigInt(`0x${digest}`).toString(36).padStart(LENGTH, "0").slice(0, LENGTH);
}

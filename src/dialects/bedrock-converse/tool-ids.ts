import { createHash } from "node:crypto";
import { plainToolId } from "../chat-hub/tool-ids.ts";
import type { BedrockModel } from "./models.ts";

const MISTRAL_ID = /^[a-zA-Z0-9]{9}$/;
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * The id of a tool call as the model takes it back, the same for the call and for its result. Mistral's models take nine
 * letters and digits only, although Bedrock itself makes longer ones for them.
 * @see https://github.com/vercel/ai/blob/main/packages/amazon-bedrock/src/normalize-tool-call-id.ts
 */
export function toolUseId(id: string, model: BedrockModel): string {
	if (model.family !== "mistral") {
		return plainToolId(id);
	}
	if (MISTRAL_ID.test(id)) {
		return id;
	}
	const digest = createHash("sha256").update(id).digest();
	return [...digest.subarray(0, 9)].map((byte) => LETTERS[byte % LETTERS.length]).join("");
}

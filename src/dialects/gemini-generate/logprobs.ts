import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";

/** `logprobsResult` in OpenAI's words; undefined where there is none. */
export function writeLogprobs(result: JsonValue | undefined): JsonObject | undefined {
	if (!isJsonObject(result)) {
		return undefined;
	}
	const tops = objectsIn(result.topCandidates);
	const content = objectsIn(result.chosenCandidates).map((chosen, index) => ({
		...tokenOf(chosen),
		top_logprobs: objectsIn(tops[index]?.candidates).map(tokenOf),
	}));
	return content.length === 0 ? undefined : { content, refusal: null };
}

function tokenOf({ token, logProbability }: JsonObject): JsonObject {
	const text = typeof token === "string" ? token : "";
	return {
		token: text,
		logprob: typeof logProbability === "number" ? logProbability : 0,
		bytes: [...Buffer.from(text, "utf8")],
	};
}

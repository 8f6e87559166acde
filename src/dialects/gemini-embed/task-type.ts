import type { JsonObject } from "../../lib/json-types.ts";

/** What vectors are for, in the words of Cohere and Voyage, which clients use more often than Google's. */
const TASK_OF_INPUT_TYPE: ReadonlyMap<string, string> = new Map([
	["search_document", "RETRIEVAL_DOCUMENT"],
	["document", "RETRIEVAL_DOCUMENT"],
	["passage", "RETRIEVAL_DOCUMENT"],
	["search_query", "RETRIEVAL_QUERY"],
	["query", "RETRIEVAL_QUERY"],
	["classification", "CLASSIFICATION"],
	["clustering", "CLUSTERING"],
]);

/** The fields that `googleTaskType` reads. */
export const TASK_FIELDS = ["task_type", "input_type"] as const;

/**
 * Google's task type from `task_type`, its own word, or from `input_type`; undefined = not said. A word that is not
 * known goes on in capitals: Google tells which it takes.
 * @see https://ai.google.dev/gemini-api/docs/embeddings#supported-task-types
 */
export function googleTaskType(json: JsonObject): string | undefined {
	const { task_type: own, input_type: other } = json;
	if (typeof own === "string") {
		return own.toUpperCase();
	}
	return typeof other === "string" ? (TASK_OF_INPUT_TYPE.get(other) ?? other.toUpperCase()) : undefined;
}

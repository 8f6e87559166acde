import type { JsonObject } from "../../lib/json-types.ts";
import { isGeminiEmbedding2 } from "./models.ts";

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

const TASK_FIELDS = ["task_type", "input_type"] as const;

/**
 * The fields that `googleTaskType` reads. Gemini Embedding 2 does nothing with a task type: its task is a part of the text,
 * which is the client's own.
 * @see https://ai.google.dev/gemini-api/docs/embeddings#task-types-embeddings-2
 */
export function taskFields(model: string): readonly string[] {
	return isGeminiEmbedding2(model) ? [] : TASK_FIELDS;
}

/**
 * Google's task type from `task_type`, its own word, or from `input_type`; undefined = not said, or not known to the model.
 * A word that is not known goes on in capitals: Google tells which it takes.
 * @see https://ai.google.dev/gemini-api/docs/embeddings#supported-task-types
 */
export function googleTaskType(json: JsonObject, model: string): string | undefined {
	const { task_type: own, input_type: other } = json;
	if (isGeminiEmbedding2(model)) {
		return undefined;
	}
	if (typeof own === "string") {
		return own.toUpperCase();
	}
	return typeof other === "string" ? (TASK_OF_INPUT_TYPE.get(other) ?? other.toUpperCase()) : undefined;
}

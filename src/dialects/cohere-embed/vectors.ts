import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { allVectors, vectorOf } from "../embeddings-shared.ts";

/** What vectors are for where the client does not say: they are most often kept to be searched. */
export const INPUT_TYPE_DEFAULT = "search_document";

/** `{embeddings: {float: […]}}` where types were asked for, `{embeddings: […]}` where not. */
export function cohereVectors({ embeddings }: JsonObject): ReturnType<typeof allVectors> {
	const list = isJsonObject(embeddings) ? embeddings.float : embeddings;
	return Array.isArray(list) ? allVectors(list.map(vectorOf)) : undefined;
}

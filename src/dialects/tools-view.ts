import { isJsonObject, type JsonValue, objectOf, objectsIn } from "../lib/json-types.ts";
import type { ToolsView } from "../lib/prompt-view.ts";

/** How many tools a request offers, and how many arguments they require: of chat's nested form, or of Responses' flat one. */
export function toolsView(...lists: readonly (JsonValue | undefined)[]): ToolsView {
	let count = 0;
	let required = 0;
	for (const tool of lists.flatMap(objectsIn)) {
		const described = isJsonObject(tool.function) ? tool.function : tool;
		const names = objectOf(described.parameters).required;
		count += 1;
		required += Array.isArray(names) ? names.length : 0;
	}
	return { count, required };
}

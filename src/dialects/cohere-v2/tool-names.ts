import { plainToolId } from "../chat-hub/tool-ids.ts";

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * The name of a tool as Cohere takes it: itself where it can be. "Tool names can only contain certain characters
 * (A-Za-z0-9_) and can't begin with a digit."
 * @see https://docs.cohere.com/reference/errors
 */
export function cohereToolName(name: string): string {
	// What is not plain to others either gets a digest of its own there; what is, needs one here.
	return NAME.test(name) ? name : `_${plainToolId(`${name}.`).replaceAll("-", "_")}`;
}

import { plainToolId } from "../chat-hub/tool-ids.ts";

/** What Gemini takes as the name of a function: https://ai.google.dev/api/caching#FunctionDeclaration */
const NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/;

/** The name itself, or one that Gemini takes in its place: OpenAI's may begin with a digit, those of MCP servers hold anything. */
export function geminiName(name: string): string {
	return NAME.test(name) ? name : plainToolId(`_${name}`);
}

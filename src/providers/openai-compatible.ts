import { defineProvider } from "./define.ts";

/** Any server that speaks OpenAI's API at a `base_url`. What it does not offer, its own 404 tells. */
export const openaiCompatible = defineProvider({
	id: "openai_compatible",
	title: "OpenAI-compatible",
	keyRequired: false,
	operations: "all",
});

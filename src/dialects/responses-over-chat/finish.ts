/** How a response ends. `failed` is told as an error, never as an answer. */
export type Ending = "completed" | "max_output_tokens" | "content_filter" | "failed";

/** OpenAI's words and those of servers that use their own in the same place. Unknown ones end an answer like any other. */
const ENDINGS: ReadonlyMap<string, Ending> = new Map([
	["length", "max_output_tokens"],
	["max_tokens", "max_output_tokens"],
	["max_output_tokens", "max_output_tokens"],
	// Mistral: the context window is full. https://docs.mistral.ai/api/#tag/chat
	["model_length", "max_output_tokens"],
	["content_filter", "content_filter"],
	// Z.ai. https://docs.z.ai/api-reference/llm/chat-completion
	["sensitive", "content_filter"],
	["network_error", "failed"],
	// OpenRouter and Mistral. https://openrouter.ai/docs/api-reference/errors
	["error", "failed"],
	// DeepSeek stopped half way. https://api-docs.deepseek.com/api/create-chat-completion
	["insufficient_system_resource", "failed"],
]);

export function endingOf(reason: string): Ending {
	return ENDINGS.get(reason) ?? "completed";
}

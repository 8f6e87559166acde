import { plainToolId } from "./tool-ids.ts";
import type { ChatTool } from "./tools.ts";

/**
 * The name of a tool for providers that take 64 letters, digits, `_` and `-` at most (Bedrock, Mistral): itself where it is
 * one. OpenAI takes twice as many, and names from MCP servers are long; other providers take dots.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html
 * @see https://github.com/aws/aws-sdk-python/issues/99
 */
export function plainToolName(name: string): string {
	return plainToolId(name);
}

/**
 * The way back: the client's name for what a model calls.
 * @param wire How the names were sent.
 *
 * Models that write OpenAI's harmony format now and then leave a
 * mark of it on the name (`json<|channel|>commentary`), which is cut off.
 * @see https://github.com/vercel/ai/issues/9967
 */
export function clientToolNames(
	tools: readonly ChatTool[],
	wire: (name: string) => string = plainToolName,
): (called: string) => string {
	const names = new Map(
		tools.flatMap((tool) => (tool.kind === "vendor" ? [] : [[wire(tool.name), tool.name] as const])),
	);
	return (called) => {
		const name = called.split("<|")[0] || called;
		return names.get(name) ?? name;
	};
}

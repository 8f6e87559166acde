import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { ChatTool } from "../chat-hub/tools.ts";
import type { BedrockModel } from "./models.ts";

/** Tools that the client runs but Anthropic defines, by the beginning of their type, and the beta that brings each. */
const ANTHROPIC_TOOLS: readonly (readonly [RegExp, string | undefined])[] = [
	[/^computer_20241022$/, "computer-use-2024-10-22"],
	[/^computer_20250124$/, "computer-use-2025-01-24"],
	[/^computer_\d{8}$/, "computer-use-2025-11-24"],
	[/^(?:bash|text_editor)_20241022$/, "computer-use-2024-10-22"],
	[/^(?:bash|text_editor)_\d{8}$/, undefined],
	[/^memory_\d{8}$/, "context-management-2025-06-27"],
	[/^tool_search_tool_(?:regex|bm25)/, "tool-search-tool-2025-10-19"],
];

/** @see https://docs.aws.amazon.com/nova/latest/nova2-userguide/using-tools.html */
const NOVA_TOOLS: ReadonlySet<string> = new Set(["nova_grounding", "nova_code_interpreter"]);

export interface VendorTools {
	/** Entries of `toolConfig.tools`. */
	readonly systemTools: JsonValue[];
	/** For `additionalModelRequestFields`. */
	readonly additional: JsonObject;
}

/**
 * Tools of a maker: Nova's and other `systemTool`s run at AWS; Anthropic's own client tools go to Claude unchanged.
 * @throws GatewayError 400 for what Bedrock does not have, such as Anthropic's web search.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/computer-use.html
 */
export function vendorTools(
	tools: readonly ChatTool[],
	model: BedrockModel,
	param: (tool: ChatTool) => string,
): VendorTools {
	const systemTools: JsonValue[] = [];
	const anthropic: JsonObject[] = [];
	const betas = new Set<string>();
	for (const tool of tools) {
		if (tool.kind !== "vendor") {
			continue;
		}
		const known = ANTHROPIC_TOOLS.find(([pattern]) => pattern.test(tool.type));
		if (isJsonObject(tool.raw.systemTool)) {
			systemTools.push({ systemTool: tool.raw.systemTool });
		} else if (model.family === "nova" && NOVA_TOOLS.has(tool.type)) {
			systemTools.push({ systemTool: { name: tool.type } });
		} else if (known !== undefined && model.family === "anthropic") {
			anthropic.push(tool.raw);
			if (known[1] !== undefined) {
				betas.add(known[1]);
			}
		} else {
			throw badRequest(
				`The tool of type '${tool.type}' in '${param(tool)}' does not exist on Bedrock for this model: leave it out, or send the request to a provider that runs it.`,
				`${param(tool)}.type`,
				"unsupported_parameter",
			);
		}
	}
	const additional: JsonObject = anthropic.length === 0 ? {} : { tools: anthropic };
	return { systemTools, additional: betas.size === 0 ? additional : { ...additional, anthropic_beta: [...betas] } };
}

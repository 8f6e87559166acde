import { badRequest } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { GrammarRoom } from "../chat-hub/grammar-room.ts";
import type { ResponseFormat } from "../chat-hub/request.ts";
import type { ModelFacts } from "./models.ts";
import { type ClosedSchema, closeSchema, isObjectSchema, withoutRootReference } from "./schema.ts";

/** How the form of the answer is asked for. */
export interface FormatPlan {
	/** `output_config.format`. */
	readonly format?: JsonObject | undefined;
	/** A tool of ours whose input is the answer: the client never sees it. */
	readonly tool?: JsonObject | undefined;
	/** What calls that tool; undefined = the client's own choice stands. */
	readonly choice?: JsonObject | undefined;
	/** Added to the end of the system prompt. */
	readonly instruction?: string | undefined;
}

export interface FormatSituation {
	readonly facts: ModelFacts;
	/** The schema as structured outputs take it; undefined where they cannot be had. */
	readonly closed: ClosedSchema | undefined;
	readonly thinks: boolean;
	readonly tools: readonly JsonObject[];
	/** `tool_choice` of the client's tools. */
	readonly choice: JsonObject | undefined;
	readonly drops: Drops;
}

const TOOL_NAME = "json";
const JSON_ONLY = "Answer with one JSON object and nothing else: no explanation, no code fence.";

/**
 * `response_format` in Anthropic's words: structured outputs where model and schema allow, else a tool that takes the
 * answer, else an instruction.
 * @throws GatewayError 400 for formats that are no JSON.
 */
export function planFormat(format: ResponseFormat, situation: FormatSituation): FormatPlan {
	switch (format.kind) {
		case "text":
			return {};
		case "json_object":
			return { instruction: JSON_ONLY };
		case "json_schema":
			return planSchema(format, situation);
		default:
			throw badRequest(
				`Anthropic cannot be held to the format '${format.type}': use 'json_schema'.`,
				"response_format",
				"unsupported_parameter",
			);
	}
}

/** The schema of the answer as structured outputs take it; undefined where they cannot hold the answer to it. */
export function closedFormat(format: ResponseFormat, room: GrammarRoom): ClosedSchema | undefined {
	const closed = format.kind === "json_schema" ? closeSchema(withoutRootReference(format.schema)) : undefined;
	return closed !== undefined && room.takesAnswer(closed.schema) ? closed : undefined;
}

function planSchema(format: Extract<ResponseFormat, { kind: "json_schema" }>, situation: FormatSituation): FormatPlan {
	const { closed } = situation;
	const schema = withoutRootReference(format.schema);
	if (closed !== undefined) {
		for (const keyword of closed.softened) {
			situation.drops.add(`response_format.json_schema.schema.${keyword}`);
		}
		return { format: { type: "json_schema", schema: closed.schema } };
	}
	if (format.strict === true) {
		situation.drops.add("response_format.json_schema.strict");
	}
	if (!isObjectSchema({ type: "object", ...schema })) {
		// The input of a tool is always one object.
		return {
			instruction: `Answer only with JSON that matches this JSON schema, without a code fence: ${JSON.stringify(format.schema)}`,
		};
	}
	return planTool({ ...format, schema }, situation);
}

/**
 * The tool is forced where that is possible. It is not while a model thinks, nor with models that refuse it: those are
 * told. A client that wants one of its own tools called gets that call, and no answer to form.
 */
function planTool(
	{ schema, description }: Extract<ResponseFormat, { kind: "json_schema" }>,
	{ facts, thinks, tools, choice }: FormatSituation,
): FormatPlan {
	if (choice?.type === "any" || choice?.type === "tool") {
		return {};
	}
	const name = freeName(tools);
	const tool: JsonObject = {
		name,
		description: description ?? "Takes your answer to the user.",
		input_schema: { ...schema, type: "object" },
	};
	const hasTools = tools.length > 0 && choice?.type !== "none";
	if (thinks || !facts.forcedTools) {
		const when = hasTools ? "When you are done with the other tools, give" : "Give";
		return {
			tool,
			choice: { type: "auto", ...parallel(choice) },
			instruction: `${when} your answer only by calling the tool "${name}" once, with the answer as its input. Write no other text.`,
		};
	}
	return hasTools
		? { tool, choice: { type: "any", ...parallel(choice) } }
		: { tool, choice: { type: "tool", name, disable_parallel_tool_use: true } };
}

function parallel(choice: JsonObject | undefined): JsonObject {
	return choice?.disable_parallel_tool_use === true ? { disable_parallel_tool_use: true } : {};
}

function freeName(tools: readonly JsonObject[]): string {
	const taken = new Set(tools.map((tool) => tool.name));
	let name = TOOL_NAME;
	for (let count = 2; taken.has(name); count += 1) {
		name = `${TOOL_NAME}_${count}`;
	}
	return name;
}

import { badRequest } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { GrammarRoom } from "../chat-hub/grammar-room.ts";
import type { ResponseFormat } from "../chat-hub/request.ts";
import { type BedrockModel, forcedTools, takesSchema } from "./models.ts";
import { closedSchema, objectSchema } from "./schemas.ts";

/** How the answer is made to keep to a format: at most one of the three. */
export interface FormatPlan {
	readonly outputConfig?: JsonObject;
	/** The schema that `outputConfig` holds as text. */
	readonly schema?: JsonObject;
	/** A tool the model is made to call: its arguments are the answer. */
	readonly tool?: { readonly description: string; readonly schema: JsonObject };
	/** A sentence for the system prompt. */
	readonly instruction?: string;
}

interface FormatContext {
	readonly model: BedrockModel;
	/** undefined where nobody counts. */
	readonly room: GrammarRoom | undefined;
	readonly drops: Drops;
}

const JSON_ONLY = "Answer with a single valid JSON object and nothing else: no explanation, no code fence.";
const NO_PLAN: FormatPlan = {};

/**
 * `json_schema` by the model's own grammar where it has one that can say the schema; else by a tool the model must call;
 * else, where neither can bind it, by an instruction (then `response_format` is named as left out). `json_object` by an
 * instruction.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
export function planFormat(format: ResponseFormat, context: FormatContext): FormatPlan {
	switch (format.kind) {
		case "text":
			return NO_PLAN;
		case "json_object":
			return { instruction: JSON_ONLY };
		case "json_schema":
			return planSchema(format, context);
		case "other":
			throw badRequest(
				`Bedrock has no response format '${format.type}': use 'json_schema', 'json_object' or 'text'.`,
				"response_format.type",
				"unsupported_parameter",
			);
	}
}

type SchemaFormat = Extract<ResponseFormat, { kind: "json_schema" }>;

function planSchema(format: SchemaFormat, { model, room, drops }: FormatContext): FormatPlan {
	const grammar = takesSchema(model) ? closedSchema(format.schema) : undefined;
	if (grammar !== undefined && room?.takesAnswer(grammar) !== false) {
		return { outputConfig: { textFormat: textFormat(format, grammar) }, schema: grammar };
	}
	const schema = objectSchema(format.schema);
	if (schema !== undefined && forcedTools(model) !== "none") {
		return { tool: { description: format.description?.trim() || "Respond with a JSON object.", schema } };
	}
	drops.add("response_format");
	const described = format.description === undefined ? "" : ` (${format.description})`;
	return {
		instruction: `Answer with JSON only, without a code fence, that keeps to this JSON schema${described}: ${JSON.stringify(format.schema)}`,
	};
}

/** The schema travels as text: API_runtime_JsonSchemaDefinition. */
function textFormat({ name, description }: SchemaFormat, schema: JsonObject): JsonObject {
	const described = description === undefined || description.trim() === "" ? {} : { description };
	return {
		type: "json_schema",
		structure: { jsonSchema: { name, schema: JSON.stringify(schema), ...described } },
	};
}

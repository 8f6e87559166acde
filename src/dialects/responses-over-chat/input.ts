import { badRequest, type GatewayError } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { chatContent, chatParts, contentOf } from "./content.ts";
import { mergeThinking, unseal } from "./reasoning.ts";

/**
 * What one assistant did before anybody else spoke: Responses tells it in items, chat in one message. Chat has one place
 * each for thinking, text and calls, so the order within each is kept.
 */
interface AssistantTurn {
	parts: JsonObject[];
	refusals: string[];
	calls: JsonObject[];
	thinking: JsonObject;
	/** Cache marks on the message itself. */
	marks: JsonObject;
}

/**
 * Records of tools that an earlier provider ran itself. What they found is in the text that follows them, so the
 * conversation can go on without.
 */
const RECEIPTS: ReadonlySet<string> = new Set(["web_search_call", "file_search_call", "mcp_list_tools"]);

/** Fields of a call that Responses has for itself; others (`extra_content` of Gemini's seals) belong to the chat call. */
const CALL_FIELDS: ReadonlySet<string> = new Set([
	"type",
	"id",
	"call_id",
	"name",
	"arguments",
	"input",
	"status",
	"namespace",
	"caller",
	"created_by",
]);

/** The messages of chat in the making. */
interface Messages {
	/** The assistant's turn that is going on. */
	assistant(): AssistantTurn;
	/** A message of anybody else: it ends the turn of the assistant. */
	push(message: JsonObject): void;
	/** A tool's result. */
	pushResult(message: JsonObject): void;
	end(): JsonObject[];
}

/**
 * The messages of a conversation: what `instructions` say as a system message in front, then the items of `input` in order.
 * @throws GatewayError 400 naming the item that chat cannot tell.
 */
export function chatMessages({ instructions, input }: JsonObject, drops: Drops): JsonObject[] {
	const messages = createMessages();
	if (typeof instructions === "string") {
		messages.push({ role: "system", content: instructions });
	} else {
		addItems(instructions, { param: "instructions", messages, drops });
	}
	if (typeof input === "string") {
		messages.push({ role: "user", content: input });
	} else {
		addItems(input, { param: "input", messages, drops });
	}
	const ended = messages.end();
	if (ended.length === 0) {
		throw badRequest("The field 'input' holds nothing that a model could answer.", "input");
	}
	return ended;
}

interface Place {
	readonly param: string;
	readonly messages: Messages;
	readonly drops: Drops;
}

function addItems(items: JsonValue | undefined, { param, ...place }: Place): void {
	for (const [index, item] of (Array.isArray(items) ? items : []).entries()) {
		if (!isJsonObject(item)) {
			throw badRequest(`The field '${param}[${index}]' must be an object.`, `${param}[${index}]`);
		}
		addItem(item, { ...place, param: `${param}[${index}]` });
	}
}

function addItem(item: JsonObject, place: Place): void {
	const { param, messages, drops } = place;
	const type = item.type ?? (item.role === undefined ? "item_reference" : "message");
	switch (type) {
		case "message":
			addMessage(item, place);
			break;
		case "reasoning": {
			const turn = messages.assistant();
			turn.thinking = mergeThinking(turn.thinking, unseal(item.encrypted_content));
			break;
		}
		case "function_call":
		case "custom_tool_call":
			noteHints(item, ["namespace", "caller"], drops);
			messages.assistant().calls.push(chatCall(item, param));
			break;
		case "function_call_output":
		case "custom_tool_call_output":
			messages.pushResult(toolMessage(item, param, drops));
			break;
		case "image_generation_call":
			messages.assistant().parts.push(...drawnImage(item));
			break;
		default:
			if (!RECEIPTS.has(String(type))) {
				throw refusedItem(String(type), param);
			}
			drops.add(`input[].${String(type)}`);
	}
}

function addMessage(item: JsonObject, { param, messages, drops }: Place): void {
	noteHints(item, ["phase"], drops);
	const content = item.content ?? "";
	if (item.role !== "assistant") {
		messages.push({
			role: chatRole(item.role, param),
			content: chatContent(content, `${param}.content`, drops),
			...marks(item),
		});
		return;
	}
	const turn = messages.assistant();
	for (const part of chatParts(content, `${param}.content`, drops)) {
		if (part.type === "refusal") {
			turn.refusals.push(String(part.refusal));
		} else {
			turn.parts.push(part);
		}
	}
	Object.assign(turn.marks, marks(item));
}

function createMessages(): Messages {
	const messages: JsonObject[] = [];
	/** Which message a call stands in: its result must follow that one. */
	const owners = new Map<string, JsonObject>();
	let turn: AssistantTurn | undefined;

	function flush(): void {
		// Thinking alone is no message: what it led to has been cut off.
		if (turn !== undefined && (turn.parts.length > 0 || turn.refusals.length > 0 || turn.calls.length > 0)) {
			const message = assistantMessage(turn);
			messages.push(message);
			for (const call of turn.calls) {
				owners.set(String(call.id), message);
			}
		}
		turn = undefined;
	}
	return {
		assistant() {
			turn ??= { parts: [], refusals: [], calls: [], thinking: {}, marks: {} };
			return turn;
		},
		push(message) {
			flush();
			messages.push(message);
		},
		pushResult(message) {
			flush();
			insertResult(messages, message, owners.get(String(message.tool_call_id)));
		},
		end() {
			flush();
			return messages;
		},
	};
}

/** A result right behind its call and the other results, wherever a client has put it: chat allows nothing between. */
function insertResult(messages: JsonObject[], result: JsonObject, owner: JsonObject | undefined): void {
	let at = messages.length;
	while (messages[at - 1]?.role === "tool") {
		at -= 1;
	}
	if (owner === undefined || messages[at - 1] === owner) {
		messages.push(result);
		return;
	}
	at = messages.indexOf(owner) + 1;
	while (messages[at]?.role === "tool") {
		at += 1;
	}
	messages.splice(at, 0, result);
}

function assistantMessage(turn: AssistantTurn): JsonObject {
	const { parts, refusals, calls, thinking } = turn;
	const message: JsonObject = {
		role: "assistant",
		content: parts.length === 0 ? null : contentOf(parts),
		...thinking,
		...turn.marks,
	};
	if (refusals.length > 0) {
		message.refusal = refusals.join("\n");
	}
	if (calls.length > 0) {
		message.tool_calls = calls;
	}
	return message;
}

/** `developer` is OpenAI's newer word for `system`, which it takes as well and which all others know. */
function chatRole(role: JsonValue | undefined, param: string): string {
	if (role === "user" || role === "system") {
		return role;
	}
	if (role === "developer") {
		return "system";
	}
	throw badRequest(
		`The field '${param}.role' must be one of 'user', 'assistant', 'system', 'developer'.`,
		`${param}.role`,
	);
}

function chatCall(item: JsonObject, param: string): JsonObject {
	const id = required(item.call_id, `${param}.call_id`);
	const name = required(item.name, `${param}.name`);
	const extra = Object.fromEntries(Object.entries(item).filter(([field]) => !CALL_FIELDS.has(field)));
	return item.type === "custom_tool_call"
		? { id, type: "custom", custom: { name, input: textOf(item.input) }, ...extra }
		: { id, type: "function", function: { name, arguments: textOf(item.arguments) }, ...extra };
}

function toolMessage(item: JsonObject, param: string, drops: Drops): JsonObject {
	const { output } = item;
	const content = Array.isArray(output) ? chatContent(output, `${param}.output`, drops) : textOf(output);
	return { role: "tool", tool_call_id: required(item.call_id, `${param}.call_id`), content, ...marks(item) };
}

function marks(item: JsonObject): JsonObject {
	return isJsonObject(item.cache_control) ? { cache_control: item.cache_control } : {};
}

/** A picture that the model drew, shown to it again. */
function drawnImage(item: JsonObject): JsonObject[] {
	const { result, output_format: format } = item;
	if (typeof result !== "string" || result === "") {
		return [];
	}
	const type = typeof format === "string" ? format : "png";
	return [{ type: "image_url", image_url: { url: `data:image/${type};base64,${result}` } }];
}

function textOf(value: JsonValue | undefined): string {
	return typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
}

function required(value: JsonValue | undefined, param: string): string {
	if (typeof value !== "string" || value === "") {
		throw badRequest(`The field '${param}' must be a text that is not empty.`, param);
	}
	return value;
}

function noteHints(item: JsonObject, names: readonly string[], drops: Drops): void {
	for (const name of names) {
		if (item[name] !== undefined && item[name] !== null) {
			drops.add(`input[].${name}`);
		}
	}
}

function refusedItem(type: string, param: string): GatewayError {
	const kind = type.slice(0, 64);
	return kind === "item_reference"
		? badRequest(
				`The field '${param}' refers to an item that is not kept here; send the item itself.`,
				param,
				"unsupported_content",
			)
		: badRequest(
				`The field '${param}' is an item of type '${kind}', which this model cannot be given; leave it out, or use a model whose provider speaks the Responses API.`,
				`${param}.type`,
				"unsupported_content",
			);
}

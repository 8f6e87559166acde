import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import type { Line, Place } from "./line.ts";

export type ItemStatus = "completed" | "incomplete";

/** One item of the output, from its first event to its last. */
export interface OutputItem {
	isOpen(): boolean;
	/** Says the closing events. Nothing follows them. */
	close(status: ItemStatus): void;
	/** The item as it stands. */
	json(): JsonObject;
}

export interface ReasoningItem extends OutputItem {
	readonly kind: "reasoning";
	add(text: string): void;
	/** Ends the text; the item may stay open for its seal. */
	endText(): void;
	seal(encrypted: string): void;
}

/**
 * Thinking is shown as a summary: all clients know that, and the events for thinking in full differ between OpenAI
 * (`reasoning_text`) and Open Responses (`reasoning`).
 */
export function openReasoning(line: Line): ReasoningItem {
	const place = line.place("rs");
	let text: string | undefined;
	let encrypted: string | undefined;
	let textIsOpen = false;
	const at = { ...place.fields, summary_index: 0 };
	const frame = openFrame(line, place, (status) => ({
		id: place.id,
		type: "reasoning",
		status,
		summary: text === undefined ? [] : [summaryText(text)],
		content: [],
		...(encrypted === undefined ? {} : { encrypted_content: encrypted }),
	}));

	function endText(): void {
		if (textIsOpen) {
			textIsOpen = false;
			line.say("response.reasoning_summary_text.done", { ...at, text: text ?? "" });
			line.say("response.reasoning_summary_part.done", { ...at, part: summaryText(text ?? "") });
		}
	}
	return {
		...frame,
		kind: "reasoning",
		add(delta) {
			if (text === undefined) {
				textIsOpen = true;
				line.say("response.reasoning_summary_part.added", { ...at, part: summaryText("") });
			}
			text = (text ?? "") + delta;
			line.say("response.reasoning_summary_text.delta", { ...at, delta });
		},
		endText,
		seal: (given) => {
			encrypted = given;
		},
		close(status) {
			endText();
			frame.close(status);
		},
	};
}

function summaryText(text: string): JsonObject {
	return { type: "summary_text", text };
}

export interface CallItem extends OutputItem {
	readonly kind: "call";
	add(fragment: string): void;
	/** Whether its arguments stop in the middle. */
	isBroken(): boolean;
}

/** A call of a function, or of a tool that takes free text. */
export function openCall(
	line: Line,
	call: {
		readonly id: string;
		readonly name: string;
		readonly kind: "function" | "custom";
		readonly extra: JsonObject;
	},
): CallItem {
	const isCustom = call.kind === "custom";
	const place = line.place(isCustom ? "ctc" : "fc");
	const [field, event] = isCustom
		? ["input", "response.custom_tool_call_input"]
		: ["arguments", "response.function_call_arguments"];
	let text = "";
	const frame = openFrame(line, place, (status) => ({
		id: place.id,
		type: isCustom ? "custom_tool_call" : "function_call",
		status,
		call_id: call.id,
		name: call.name,
		[field]: text,
		...call.extra,
	}));

	function add(fragment: string): void {
		text += fragment;
		line.say(`${event}.delta`, { ...place.fields, delta: fragment });
	}
	return {
		...frame,
		kind: "call",
		add,
		isBroken: () => !isCustom && text !== "" && !isJson(text),
		close(status) {
			if (text === "" && !isCustom && status === "completed") {
				// A function without arguments.
				add("{}");
			}
			line.say(`${event}.done`, { ...place.fields, ...(isCustom ? {} : { name: call.name }), [field]: text });
			frame.close(status);
		},
	};
}

function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		// What a model writes is not always JSON, and not always all of it.
		return false;
	}
}

export interface ImageItem extends OutputItem {
	readonly kind: "image";
}

/** A picture: it comes whole. */
export function sayImage(line: Line, url: string): ImageItem {
	const place = line.place("ig");
	const data = /^data:image\/([a-z0-9.+-]+);base64,/i.exec(url.slice(0, 64));
	const result: JsonValue = data === null ? url : url.slice(data[0].length);
	let isWhole = false;
	const frame = openFrame(line, place, (status) => ({
		id: place.id,
		type: "image_generation_call",
		status: isWhole ? "completed" : status,
		result: isWhole ? result : null,
		...(data === null ? {} : { output_format: data[1] ?? "png" }),
	}));
	line.say("response.image_generation_call.in_progress", place.fields);
	line.say("response.image_generation_call.completed", place.fields);
	isWhole = true;
	frame.close("completed");
	return { ...frame, kind: "image" };
}

/** What all items have in common: the event that brings them and the one that ends them. */
export function openFrame(
	line: Line,
	place: Place,
	write: (status: ItemStatus | "in_progress") => JsonObject,
): OutputItem {
	let status: ItemStatus | "in_progress" = "in_progress";
	line.say("response.output_item.added", { output_index: place.index, item: write(status) });
	return {
		isOpen: () => status === "in_progress",
		close(ending) {
			status = ending;
			line.say("response.output_item.done", { output_index: place.index, item: write(status) });
		},
		json: () => write(status),
	};
}

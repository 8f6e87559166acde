import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { detailText, THINKING_FIELDS, type ThinkingField } from "./reasoning.ts";

/** A piece of a tool call, or all of it. */
export interface CallPiece {
	/** The place among the calls, where the provider numbers them. */
	readonly index: number | undefined;
	/** "" where the provider gives none. */
	readonly id: string;
	readonly name: string;
	readonly arguments: string;
	readonly kind: "function" | "custom";
	/** Fields beside OpenAI's, such as `extra_content`. */
	readonly extra: JsonObject;
}

/** What a model says, in the order it stands in the message. */
export type Said =
	/** `field` is undefined where it stands among the content (Mistral) or in the details alone. */
	| { readonly kind: "thinking"; readonly text: string; readonly field: ThinkingField | undefined }
	| { readonly kind: "details"; readonly details: readonly JsonObject[] }
	| { readonly kind: "text"; readonly text: string }
	| { readonly kind: "refusal"; readonly text: string }
	| { readonly kind: "annotations"; readonly annotations: readonly JsonObject[] }
	| { readonly kind: "citations"; readonly citations: readonly JsonValue[] }
	| { readonly kind: "image"; readonly url: string }
	| { readonly kind: "call"; readonly call: CallPiece };

/** A chat message, or one delta of it, as any server that speaks chat may write it. Never throws. */
export function readMessage(message: JsonObject): Said[] {
	const details = objectsIn(message.reasoning_details);
	const said: Said[] = [...readThinking(message, details)];
	if (details.length > 0) {
		said.push({ kind: "details", details });
	}
	const text = textLength(message.content) > 0 ? message.content : transcript(message.audio);
	said.push(...readContent(text), ...readRefusal(message.refusal));
	if (Array.isArray(message.annotations) && message.annotations.length > 0) {
		said.push({ kind: "annotations", annotations: message.annotations.filter(isJsonObject).map(flatAnnotation) });
	}
	if (Array.isArray(message.citations) && message.citations.length > 0) {
		said.push({ kind: "citations", citations: message.citations });
	}
	said.push(...readImages(message.images), ...readCalls(message));
	return said;
}

/** The details repeat the plain text where there is one, and stand for it where there is none. */
function readThinking(message: JsonObject, details: readonly JsonObject[]): Said[] {
	for (const field of THINKING_FIELDS) {
		const text = message[field];
		if (typeof text === "string" && text !== "") {
			return [{ kind: "thinking", text, field }];
		}
	}
	const text = details.map(detailText).join("");
	return text === "" ? [] : [{ kind: "thinking", text, field: undefined }];
}

/** A string, or Mistral's list of parts, in which thinking is one: https://docs.mistral.ai/capabilities/reasoning/ */
function readContent(content: JsonValue | undefined): Said[] {
	if (typeof content === "string") {
		return content === "" ? [] : [{ kind: "text", text: content }];
	}
	return (Array.isArray(content) ? content : []).flatMap((part): Said[] => {
		if (!isJsonObject(part)) {
			return typeof part === "string" ? [{ kind: "text", text: part }] : [];
		}
		if (part.type === "thinking") {
			const text = partsText(part.thinking);
			return text === "" ? [] : [{ kind: "thinking", text, field: undefined }];
		}
		if (part.type === "image_url") {
			return readImages([part]);
		}
		return part.type === "refusal"
			? readRefusal(part.refusal)
			: typeof part.text === "string" && part.text !== ""
				? [{ kind: "text", text: part.text }]
				: [];
	});
}

function readRefusal(refusal: JsonValue | undefined): Said[] {
	return typeof refusal === "string" && refusal !== "" ? [{ kind: "refusal", text: refusal }] : [];
}

function readImages(images: JsonValue | undefined): Said[] {
	return (Array.isArray(images) ? images : []).flatMap((image): Said[] => {
		const address = isJsonObject(image) ? image.image_url : undefined;
		const url = isJsonObject(address) ? address.url : address;
		return typeof url === "string" && url !== "" ? [{ kind: "image", url }] : [];
	});
}

function readCalls(message: JsonObject): Said[] {
	const calls = objectsIn(message.tool_calls);
	if (calls.length === 0 && isJsonObject(message.function_call)) {
		// OpenAI's old words: one call, without an id.
		return [{ kind: "call", call: readCall({ index: 0, function: message.function_call }) }];
	}
	return calls.map((call) => ({ kind: "call", call: readCall(call) }));
}

function readCall({ index, id, type, function: described, custom, ...extra }: JsonObject): CallPiece {
	const isCustom = type === "custom" || isJsonObject(custom);
	const holder = isCustom ? custom : described;
	const { name, arguments: text, input } = isJsonObject(holder) ? holder : {};
	const given = isCustom ? input : text;
	return {
		index: typeof index === "number" ? index : undefined,
		id: typeof id === "string" ? id : "",
		name: typeof name === "string" ? name : "",
		// Some servers send the object itself.
		arguments: typeof given === "string" ? given : given === undefined || given === null ? "" : JSON.stringify(given),
		kind: isCustom ? "custom" : "function",
		extra: Object.fromEntries(Object.entries(extra).filter(([, value]) => value !== undefined && value !== null)),
	};
}

/** Chat wraps a citation in the name of its type, Responses does not. */
function flatAnnotation(annotation: JsonObject): JsonObject {
	const type = String(annotation.type);
	const wrapped = annotation[type];
	const flat: JsonObject = isJsonObject(wrapped) ? { type, ...wrapped } : annotation;
	return type === "url_citation"
		? {
				...flat,
				url: flat.url ?? "",
				title: flat.title ?? "",
				start_index: flat.start_index ?? 0,
				end_index: flat.end_index ?? 0,
			}
		: flat;
}

function partsText(parts: JsonValue | undefined): string {
	if (typeof parts === "string") {
		return parts;
	}
	const texts = (Array.isArray(parts) ? parts : []).map((part) => (isJsonObject(part) ? part.text : part));
	return texts.filter((text) => typeof text === "string").join("");
}

function textLength(content: JsonValue | undefined): number {
	return typeof content === "string" || Array.isArray(content) ? content.length : 0;
}

/** What was spoken, where nothing is written beside it. */
function transcript(audio: JsonValue | undefined): JsonValue | undefined {
	return isJsonObject(audio) ? audio.transcript : undefined;
}

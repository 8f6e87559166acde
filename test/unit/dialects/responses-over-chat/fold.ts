import { isJsonObject, type JsonObject, type JsonValue } from "../../../../src/lib/json-types.ts";

interface FoldedCall {
	id: string;
	name: string;
	text: string;
}

export interface Folded {
	/** The chat completion that these chunks add up to. */
	readonly completion: JsonObject;
	readonly message: {
		readonly text: string;
		readonly refusal: string;
		readonly thinking: string;
		readonly calls: readonly FoldedCall[];
	};
	/** Thinking (with its details), then text, then calls: as a whole message has it. */
	readonly isInOrder: boolean;
}

/** Adds up the chunks of one choice, in the plainest way. For streams that number their calls, or send them in one piece. */
export function foldChunks(chunks: readonly JsonObject[]): Folded {
	const message = { text: "", refusal: "", thinking: "", calls: [] as FoldedCall[] };
	const details: JsonValue[] = [];
	const order: number[] = [];
	const plain: Record<string, string> = {};
	let finish: JsonValue = null;
	let rest: JsonObject = {};
	for (const chunk of chunks) {
		const { choices, ...top } = chunk;
		rest = {
			...rest,
			...Object.fromEntries(Object.entries(top).filter(([, value]) => value !== null && value !== "")),
		};
		const choice = Array.isArray(choices) ? choices.find(isJsonObject) : undefined;
		const delta = isJsonObject(choice?.delta) ? choice.delta : {};
		finish = finish ?? choice?.finish_reason ?? null;
		for (const [rank, text] of thinkingAndText(delta)) {
			order.push(rank);
			message[rank === 0 ? "thinking" : "text"] += text;
		}
		for (const field of ["reasoning", "reasoning_content"]) {
			if (typeof delta[field] === "string") {
				plain[field] = (plain[field] ?? "") + delta[field];
			}
		}
		message.refusal += typeof delta.refusal === "string" ? delta.refusal : "";
		if (Array.isArray(delta.reasoning_details) && delta.reasoning_details.length > 0) {
			order.push(0);
			details.push(...delta.reasoning_details);
		}
		for (const call of Array.isArray(delta.tool_calls) ? delta.tool_calls.filter(isJsonObject) : []) {
			order.push(2);
			addCall(message.calls, call);
		}
	}
	const thinkingFields = Object.fromEntries(Object.entries(plain).filter(([, text]) => text !== ""));
	const content: JsonValue =
		Object.keys(thinkingFields).length === 0 && details.length === 0 && message.thinking !== ""
			? [
					{ type: "thinking", thinking: [{ type: "text", text: message.thinking }] },
					{ type: "text", text: message.text },
				]
			: message.text;
	return {
		message,
		isInOrder: order.every((rank, index) => index === 0 || rank >= (order[index - 1] ?? 0)),
		completion: {
			...rest,
			choices: [
				{
					index: 0,
					finish_reason: finish,
					message: {
						role: "assistant",
						content,
						refusal: message.refusal || null,
						...thinkingFields,
						...(details.length === 0 ? {} : { reasoning_details: details }),
						tool_calls: message.calls.map(({ id, name, text }) => ({
							id,
							type: "function",
							function: { name, arguments: text },
						})),
					},
				},
			],
		},
	};
}

/** 0 = thinking, 1 = text. */
function thinkingAndText(delta: JsonObject): (readonly [0 | 1, string])[] {
	const found: (readonly [0 | 1, string])[] = [];
	const details = Array.isArray(delta.reasoning_details) ? delta.reasoning_details.filter(isJsonObject) : [];
	const thinking = [
		delta.reasoning_content,
		delta.reasoning,
		details.map(({ text, summary }) => text ?? summary ?? "").join(""),
	];
	const said = thinking.find((text) => typeof text === "string" && text !== "");
	if (typeof said === "string") {
		found.push([0, said]);
	}
	if (typeof delta.content === "string" && delta.content !== "") {
		found.push([1, delta.content]);
	}
	for (const part of Array.isArray(delta.content) ? delta.content.filter(isJsonObject) : []) {
		if (part.type === "thinking") {
			const texts = Array.isArray(part.thinking) ? part.thinking.filter(isJsonObject) : [];
			found.push([0, texts.map(({ text }) => text).join("")]);
		} else if (typeof part.text === "string") {
			found.push([1, part.text]);
		}
	}
	return found;
}

/** A piece with an id begins a call, one without goes on with the latest of its number. */
function addCall(calls: (FoldedCall & { index?: unknown })[], call: JsonObject): void {
	const described = isJsonObject(call.function) ? call.function : {};
	const open = calls.findLast(({ index }) => index === call.index);
	const text = typeof described.arguments === "string" ? described.arguments : "";
	if (open === undefined || (typeof call.id === "string" && call.id !== "" && call.id !== open.id)) {
		calls.push({ id: String(call.id), name: String(described.name), text, index: call.index });
	} else {
		open.text += text;
	}
}

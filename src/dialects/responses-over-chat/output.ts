import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import { createCalls } from "./calls.ts";
import { type CallItem, type ImageItem, openReasoning, type ReasoningItem, sayImage } from "./items.ts";
import type { Line } from "./line.ts";
import type { Said } from "./message.ts";
import { type MessageItem, openMessage } from "./message-item.ts";
import { seal, type ThinkingField, thinkingFields } from "./reasoning.ts";

type Item = ReasoningItem | MessageItem | CallItem | ImageItem;

/** The items of a response: which are open, and which comes next. */
export interface Output {
	/** @param logprobs Of the text in it. */
	hear(said: Said, logprobs: readonly JsonValue[]): void;
	/** Ends all items, the last one with this status. */
	close(status: "completed" | "incomplete"): void;
	items(): JsonObject[];
	/** The same with the thinking's seal, for whoever keeps the conversation: clients see it only when they ask. */
	keptItems(): JsonObject[];
}

export function createOutput(line: Line, answerId: string, wantsEncrypted: boolean): Output {
	const shelf = createShelf(line, answerId, wantsEncrypted);
	const thinking = createThinking();
	let encrypted: string | undefined;
	const citations = createCitations(shelf);

	function hear(said: Said, logprobs: readonly JsonValue[]): void {
		switch (said.kind) {
			case "thinking":
				if (thinking.hear(said.text, said.field)) {
					shelf.reasoning().add(said.text);
				}
				break;
			case "details":
				thinking.keep(said.details);
				if (wantsEncrypted && shelf.items.length === 0) {
					shelf.reasoning();
				}
				break;
			case "text":
				shelf.speech().text(said.text, logprobs);
				break;
			case "refusal":
				shelf.speech().refusal(said.text);
				break;
			case "annotations":
				citations.annotate(said.annotations);
				break;
			case "citations":
				citations.cite(said.citations);
				break;
			case "image":
				shelf.leave();
				shelf.items.push(sayImage(line, said.url));
				break;
			case "call":
				shelf.call(said.call);
				break;
			default:
				said satisfies never;
		}
	}

	function close(status: "completed" | "incomplete"): void {
		shelf.openNameless();
		const thought = thinking.fields();
		encrypted = thought === undefined ? undefined : seal(thought);
		if (encrypted !== undefined && wantsEncrypted) {
			shelf.sealed()?.seal(encrypted);
		}
		if (status === "completed" && shelf.items.every(isThinking)) {
			// An answer is never without one: clients look for the text, even where it is empty.
			shelf.speech().text("", []);
		}
		citations.settle();
		shelf.close(status);
		if (encrypted !== undefined && wantsEncrypted && shelf.sealed() === undefined) {
			// The provider sealed what it never showed, and told so last.
			const item = openReasoning(line);
			shelf.items.push(item);
			item.seal(encrypted);
			item.close("completed");
		}
	}
	function items(): JsonObject[] {
		return shelf.items.map((item) => item.json());
	}
	return {
		hear,
		close,
		items,
		keptItems: () => (encrypted === undefined || wantsEncrypted ? items() : withSeal(items(), encrypted, answerId)),
	};
}

/** The seal goes to the first thinking; what was never shown gets an item of its own, in front of what it led to. */
function withSeal(items: readonly JsonObject[], encrypted: string, answerId: string): JsonObject[] {
	const first = items.find(({ type }) => type === "reasoning");
	return first === undefined
		? [{ id: `rs_${answerId}_sealed`, type: "reasoning", summary: [], encrypted_content: encrypted }, ...items]
		: items.map((item) => (item === first ? { ...item, encrypted_content: encrypted } : item));
}

/** Of calls side by side, more than the last one may have been cut off. */
function isCut(item: Item): boolean {
	return item.kind === "call" && item.isBroken();
}

function isThinking(item: Item): boolean {
	return item.kind === "reasoning";
}

/** The items in their order, and the one that is being said. */
function createShelf(line: Line, answerId: string, wantsEncrypted: boolean) {
	const items: Item[] = [];
	const calls = createCalls(line, answerId);
	/** The first thinking: it stays open for its seal, which a provider may send last. */
	let sealed: ReasoningItem | undefined;
	let current: ReasoningItem | MessageItem | CallItem | undefined;
	let message: MessageItem | undefined;

	/** Ends what is open, before something else begins. Calls that are not whole yet may go on side by side. */
	function leave(): void {
		sealed?.endText();
		if (current !== undefined && current !== sealed && current.kind !== "call") {
			current.close("completed");
		}
		calls.closeWhole();
		current = undefined;
	}
	function begin<Kind extends ReasoningItem | MessageItem | CallItem>(item: Kind): Kind {
		items.push(item);
		current = item;
		return item;
	}
	return {
		items,
		leave,
		sealed: () => sealed,
		message: () => message,
		reasoning(): ReasoningItem {
			if (current?.kind === "reasoning") {
				return current;
			}
			leave();
			const item = begin(openReasoning(line));
			sealed ??= wantsEncrypted ? item : undefined;
			return item;
		},
		speech(): MessageItem {
			if (current?.kind === "message") {
				return current;
			}
			leave();
			message = begin(openMessage(line));
			return message;
		},
		call(piece: Parameters<typeof calls.add>[0]): void {
			const opened = calls.add(piece, leave);
			if (opened !== undefined) {
				begin(opened);
			}
		},
		openNameless: () => calls.openNameless(leave).forEach(begin),
		close(status: "completed" | "incomplete"): void {
			const last = items.at(-1);
			for (const item of items) {
				if (item.isOpen()) {
					item.close(item === last || isCut(item) ? status : "completed");
				}
			}
		},
	};
}

/** Citations belong to the latest text. Those told before there is any wait for it. */
function createCitations(shelf: { message(): MessageItem | undefined }) {
	const early: { annotations: JsonObject[]; citations: JsonValue[] } = { annotations: [], citations: [] };
	return {
		annotate(annotations: readonly JsonObject[]): void {
			const message = shelf.message();
			if (message === undefined) {
				early.annotations.push(...annotations);
			}
			message?.annotate(annotations);
		},
		cite(citations: readonly JsonValue[]): void {
			const message = shelf.message();
			if (message === undefined) {
				early.citations.push(...citations);
			}
			message?.cite(citations);
		},
		settle(): void {
			shelf.message()?.annotate(early.annotations);
			shelf.message()?.cite(early.citations);
		},
	};
}

/** What a provider has shown of the thinking, and in which words it wants it back. */
function createThinking() {
	const details: JsonObject[] = [];
	let field: ThinkingField | undefined;
	let text = "";
	return {
		/** Whether a text is new: the details may repeat, at the end, what was said in plain words before. */
		hear(said: string, saidIn: ThinkingField | undefined): boolean {
			const isRepeated = saidIn === undefined && field !== undefined;
			field ??= saidIn;
			text += saidIn === undefined ? "" : said;
			return !isRepeated;
		},
		keep(entries: readonly JsonObject[]): void {
			details.push(...entries);
		},
		/** undefined where there is nothing. */
		fields: () => thinkingFields(details, field === undefined ? undefined : { field, text }),
	};
}

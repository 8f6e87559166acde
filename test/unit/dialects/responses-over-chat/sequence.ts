import { isJsonObject, type JsonObject, type JsonValue } from "../../../../src/lib/json-types.ts";

/** What is wrong with a sequence of Responses events, one line a fault. Knows nothing of how they were made. */
export function sequenceFaults(events: readonly JsonObject[]): string[] {
	const check = createCheck();
	events.forEach(check.step);
	return check.end();
}

interface OpenItem {
	readonly item: JsonObject;
	readonly parts: {
		readonly type: string;
		text: string;
		logprobs: JsonValue[];
		annotations: JsonValue[];
		done: boolean;
	}[];
	summary: { text: string; textDone: boolean; done: boolean } | undefined;
	text: string;
	textDone: boolean;
	done: JsonObject | undefined;
}

const TERMINAL = new Set(["response.completed", "response.incomplete", "response.failed"]);

function createCheck() {
	const faults: string[] = [];
	const items: OpenItem[] = [];
	let position = 0;
	let responseId: JsonValue | undefined;
	let ended: string | undefined;
	let type = "";

	function must(isTrue: boolean, what: string): void {
		if (!isTrue) {
			faults.push(`event ${position - 1} (${type}): ${what}`);
		}
	}

	function itemOf(event: JsonObject): OpenItem | undefined {
		const found = items[Number(event.output_index)];
		must(found !== undefined, "no such item");
		must(found?.item.id === event.item_id, "item_id is not that of output_index");
		must(found?.done === undefined, "item is done already");
		return found;
	}

	function partOf(event: JsonObject, kind: string): OpenItem["parts"][number] | undefined {
		const item = itemOf(event);
		const part = item?.parts[Number(event.content_index)];
		must(part !== undefined, "no such part");
		must(part?.type === kind, `part is not ${kind}`);
		must(part?.done === false, "part is done already");
		must(Number(event.content_index) === (item?.parts.length ?? 0) - 1, "not the latest part");
		return part;
	}

	function added(event: JsonObject): void {
		const item = isJsonObject(event.item) ? event.item : {};
		must(event.output_index === items.length, "output_index is not the next");
		must(item.status === "in_progress", "a new item is not in_progress");
		must(
			items.every((other) => other.item.id !== item.id),
			"id is used twice",
		);
		for (const other of items) {
			const mayGoOn = isCall(other.item) || (other.item.type === "reasoning" && other.summary?.done !== false);
			must(other.done !== undefined || mayGoOn, `item ${String(other.item.id)} is still open`);
			if (other.done === undefined && isCall(other.item) && other.item.type === "function_call") {
				must(!isWhole(other.text), `call ${String(other.item.id)} is whole and still open`);
			}
		}
		if (item.type === "message") {
			must(Array.isArray(item.content) && item.content.length === 0, "a new message has content");
			must(item.role === "assistant", "role is not assistant");
		}
		if (isCall(item)) {
			must((item.arguments ?? item.input) === "", "a new call has arguments");
			must(typeof item.call_id === "string" && item.call_id !== "", "no call_id");
			must(
				items.every((other) => other.item.call_id !== item.call_id),
				"call_id is used twice",
			);
			must(typeof item.name === "string", "no name");
		}
		if (item.type === "reasoning") {
			must(Array.isArray(item.summary) && item.summary.length === 0, "new thinking has a summary");
		}
		items.push({ item, parts: [], summary: undefined, text: "", textDone: false, done: undefined });
	}

	function itemDone(event: JsonObject): void {
		const state = items[Number(event.output_index)];
		const item = isJsonObject(event.item) ? event.item : {};
		must(state !== undefined && state.done === undefined, "item is not open");
		must(item.id === state?.item.id && item.type === state?.item.type, "another item than was added");
		must(item.status === "completed" || item.status === "incomplete", "status is not final");
		if (state === undefined) {
			return;
		}
		if (item.type === "message") {
			must(
				state.parts.every((part) => part.done),
				"a part is open",
			);
			const content = Array.isArray(item.content) ? item.content.map(withoutCitations) : [];
			must(Bun.deepEquals(content, state.parts.map(partJson)), "content is not what was said");
		} else if (item.type === "reasoning") {
			must(state.summary?.done !== false, "the summary is open");
			const said = state.summary === undefined ? [] : [{ type: "summary_text", text: state.summary.text }];
			must(Bun.deepEquals(item.summary, said), "summary is not what was said");
		} else if (isCall(item)) {
			must(state.textDone, "arguments are not done");
			must((item.arguments ?? item.input) === state.text, "arguments are not what was said");
			must(item.call_id === state.item.call_id && item.name === state.item.name, "call has changed its name");
		}
		state.done = item;
	}

	function terminal(event: JsonObject): void {
		const response = isJsonObject(event.response) ? event.response : {};
		const output = Array.isArray(response.output) ? response.output.filter(isJsonObject) : [];
		must(response.id === responseId, "another response");
		must(`response.${String(response.status)}` === type, "status is not the event's");
		must(output.length === items.length, "output has other items than were said");
		for (const [index, { done }] of items.entries()) {
			must(done !== undefined, `item ${index} is open`);
			must(Bun.deepEquals(withoutCitations(output[index]), withoutCitations(done)), `item ${index} differs`);
		}
		const unfinished = items.findIndex(({ done }) => done?.status === "incomplete");
		must(unfinished === -1 || response.status === "incomplete", "incomplete item in a completed response");
		ended = type;
	}

	function step(event: JsonObject): void {
		type = String(event.type);
		must(event.sequence_number === position, "sequence_number has a gap");
		must(ended === undefined, "comes after the end");
		position += 1;
		if (type === "error") {
			ended = type;
			return;
		}
		if (position <= 2) {
			const response = isJsonObject(event.response) ? event.response : {};
			must(type === (position === 1 ? "response.created" : "response.in_progress"), "not the right beginning");
			must(response.status === "in_progress" && Bun.deepEquals(response.output, []), "begins with an output");
			responseId = response.id;
			return;
		}
		if (TERMINAL.has(type)) {
			terminal(event);
		} else {
			const read = READERS[type];
			must(read !== undefined, "unknown event");
			read?.(event);
		}
	}

	const READERS: Readonly<Record<string, (event: JsonObject) => void>> = {
		"response.output_item.added": added,
		"response.output_item.done": itemDone,
		"response.content_part.added": (event) => {
			const item = itemOf(event);
			const part = isJsonObject(event.part) ? event.part : {};
			must(event.content_index === item?.parts.length, "content_index is not the next");
			must(item?.parts.every((other) => other.done) === true, "the part before is open");
			must((part.text ?? part.refusal) === "", "a new part has text");
			item?.parts.push({ type: String(part.type), text: "", logprobs: [], annotations: [], done: false });
		},
		"response.output_text.delta": (event) => {
			const part = partOf(event, "output_text");
			must(typeof event.delta === "string", "no delta");
			must(Array.isArray(event.logprobs), "no logprobs");
			if (part !== undefined) {
				part.text += String(event.delta);
				part.logprobs.push(...(Array.isArray(event.logprobs) ? event.logprobs : []));
			}
		},
		"response.output_text.done": (event) => {
			const part = partOf(event, "output_text");
			must(event.text === part?.text, "text is not the sum of its deltas");
			must(Bun.deepEquals(event.logprobs, part?.logprobs), "logprobs are not the sum of the deltas'");
		},
		"response.output_text.annotation.added": (event) => {
			const part = partOf(event, "output_text");
			must(event.annotation_index === part?.annotations.length, "annotation_index is not the next");
			part?.annotations.push(event.annotation ?? null);
		},
		"response.refusal.delta": (event) => {
			const part = partOf(event, "refusal");
			if (part !== undefined) {
				part.text += String(event.delta);
			}
		},
		"response.refusal.done": (event) => must(event.refusal === partOf(event, "refusal")?.text, "refusal differs"),
		"response.content_part.done": (event) => {
			const part = partOf(event, isJsonObject(event.part) ? String(event.part.type) : "");
			if (part !== undefined) {
				must(Bun.deepEquals(withoutCitations(event.part), partJson(part)), "part is not what was said");
				part.done = true;
			}
		},
		"response.reasoning_summary_part.added": (event) => {
			const item = itemOf(event);
			must(event.summary_index === 0 && item?.summary === undefined, "a second summary");
			if (item !== undefined) {
				item.summary = { text: "", textDone: false, done: false };
			}
		},
		"response.reasoning_summary_text.delta": (event) => {
			const summary = itemOf(event)?.summary;
			must(summary?.textDone === false, "no summary is open");
			if (summary !== undefined) {
				summary.text += String(event.delta);
			}
		},
		"response.reasoning_summary_text.done": (event) => {
			const summary = itemOf(event)?.summary;
			must(summary?.textDone === false && event.text === summary.text, "text is not the sum of its deltas");
			if (summary !== undefined) {
				summary.textDone = true;
			}
		},
		"response.reasoning_summary_part.done": (event) => {
			const summary = itemOf(event)?.summary;
			const part = isJsonObject(event.part) ? event.part : {};
			must(summary?.textDone === true && part.text === summary.text, "part is not what was said");
			if (summary !== undefined) {
				summary.done = true;
			}
		},
		"response.function_call_arguments.delta": (event) => argumentsDelta(event),
		"response.function_call_arguments.done": (event) => argumentsDone(event, event.arguments),
		"response.custom_tool_call_input.delta": (event) => argumentsDelta(event),
		"response.custom_tool_call_input.done": (event) => argumentsDone(event, event.input),
		"response.image_generation_call.in_progress": (event) => void itemOf(event),
		"response.image_generation_call.completed": (event) => void itemOf(event),
	};

	function argumentsDelta(event: JsonObject): void {
		const item = itemOf(event);
		must(item !== undefined && isCall(item.item) && !item.textDone, "no call is open");
		if (item !== undefined) {
			item.text += String(event.delta);
		}
	}
	function argumentsDone(event: JsonObject, text: JsonValue | undefined): void {
		const item = itemOf(event);
		must(text === item?.text, "arguments are not the sum of their deltas");
		if (item !== undefined) {
			item.textDone = true;
		}
	}

	return {
		step,
		end(): string[] {
			if (ended === undefined) {
				faults.push("has no end");
			}
			return faults;
		},
	};
}

function isCall(item: JsonObject): boolean {
	return item.type === "function_call" || item.type === "custom_tool_call";
}

function isWhole(text: string): boolean {
	try {
		return Object.keys(JSON.parse(text)).length > 0;
	} catch {
		return false;
	}
}

function partJson({ type, text, annotations, logprobs }: OpenItem["parts"][number]): JsonObject {
	return type === "refusal" ? { type, refusal: text } : { type, text, annotations, logprobs };
}

/** Citations that came after their text was closed are in the finished response only. */
function withoutCitations(value: JsonValue | undefined): JsonValue | undefined {
	if (!isJsonObject(value)) {
		return value;
	}
	const { citations: _, ...rest } = value;
	return Array.isArray(rest.content)
		? {
				...rest,
				content: rest.content.map((part) =>
					isJsonObject(part) ? { ...part, annotations: [], citations: null } : part,
				),
			}
		: rest;
}

import { describe, expect, test } from "bun:test";
import { hasExtensions, MESSAGE_EXTENSIONS, withoutExtensions } from "../../../src/dialects/openai-chat/extensions.ts";
import type { JsonObject } from "../../../src/lib/json-types.ts";

const thinking = { type: "thinking", thinking: "Hm.", signature: "c2ln" };
const redacted = { type: "redacted_thinking", data: "c2ln" };
const text = { type: "text", text: "Hi." };
const call = { id: "c1", type: "function", function: { name: "f", arguments: "{}" } };

describe("thinking as a part of the content", () => {
	test.each([thinking, redacted])("is seen ($type)", (part) => {
		expect(hasExtensions({ role: "assistant", content: [part, text] })).toBe(true);
		expect(hasExtensions({ role: "assistant", content: [text] })).toBe(false);
	});
	test("is left out for a server that refuses thinking, and the words stay", () => {
		const messages: JsonObject[] = [
			{ role: "assistant", content: [thinking, text] },
			{ role: "assistant", content: [redacted], tool_calls: [call] },
			{ role: "user", content: [] },
		];
		expect(withoutExtensions(messages, MESSAGE_EXTENSIONS)).toEqual([
			{ role: "assistant", content: [text] },
			{ role: "assistant", content: "", tool_calls: [call] },
			{ role: "user", content: [] },
		]);
		expect(withoutExtensions(messages, ["annotations"])).toEqual(messages);
	});
});

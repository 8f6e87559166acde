import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createIngresses } from "../../../src/dialects/registry.ts";
import { SESSION_HEADERS, sessionOf } from "../../../src/gateway/session-of.ts";
import { parseJsonBody } from "../../../src/lib/json.ts";
import { promptTokensUpperBound } from "../../../src/metering/tokens.ts";
import type { Session } from "../../../src/routing/types.ts";

const ingressOf = createIngresses({ promptTokensUpperBound });
const LONG = "All of this was agreed upon in the spring and signed by both parties. ".repeat(120);

interface Asked {
	readonly operation?: "chat" | "responses" | "completions" | "embeddings";
	readonly headers?: Readonly<Record<string, string>>;
	readonly key?: string;
	readonly alias?: string;
}

/** What the gateway makes of a body as a client sends it. */
function read(body: Record<string, unknown>, asked: Asked = {}): Session | undefined {
	const { operation = "chat", headers = {}, key = "vk_1", alias = "smart" } = asked;
	const ingress = ingressOf[operation];
	const bytes = new TextEncoder().encode(JSON.stringify({ model: alias, ...body }));
	const parsed = { kind: "json", ...parseJsonBody(bytes) } as const;
	return sessionOf({
		ingress,
		body: parsed,
		envelope: ingress.readEnvelope(parsed),
		clientHeaders: new Headers(headers),
		recollection: undefined,
		principal: { id: key },
		alias: { name: alias },
	});
}

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const system = (content: unknown) => ({ role: "system", content });
const SHORT = { messages: [user("Hello")] };

describe("a client's own name", () => {
	test.each([
		["prompt_cache_key", { prompt_cache_key: "one" }],
		["user_id", { metadata: { user_id: "one" } }],
		["user_id", { metadata: { session_id: "one", user_id: "somebody" } }],
	] as const)("%s counts, however short the prompt is", (source, named) => {
		const first = read({ ...SHORT, ...named });
		expect(first?.source).toBe(source);
		expect(read({ messages: [user("Something else")], ...named })).toEqual(first);
		expect(read({ ...SHORT, ...JSON.parse(JSON.stringify(named).replace('"one"', '"two"')) })?.id).not.toBe(first?.id);
	});

	test.each(SESSION_HEADERS.map((name) => [name]))("the header %s counts, in any spelling of its name", (name) => {
		const first = read(SHORT, { headers: { [name]: "one" } });
		expect(first?.source).toBe("header");
		expect(read(SHORT, { headers: { [name.toUpperCase()]: "one" } })).toEqual(first);
		expect(read(SHORT, { headers: { [name]: "two" } })?.id).not.toBe(first?.id);
	});

	test("the conversation of a responses request counts, as an id or an object", () => {
		const ask = (conversation: unknown) => read({ input: "Hello", conversation }, { operation: "responses" });
		expect(ask("conv_1")?.source).toBe("conversation");
		expect(ask({ id: "conv_1" })).toEqual(ask("conv_1"));
		expect(ask("conv_2")?.id).not.toBe(ask("conv_1")?.id);
	});

	test("the same name is the same conversation, wherever it stands", () => {
		const ids = [
			read({ ...SHORT, prompt_cache_key: "one" }),
			read(SHORT, { headers: { session_id: "one" } }),
			read({ input: "Hello", prompt_cache_key: "one" }, { operation: "responses" }),
		].map((session) => session?.id);
		expect(new Set(ids).size).toBe(1);
	});

	test("one stands before another: prompt_cache_key, headers in their order, conversation, metadata", () => {
		const body = { input: "Hello", conversation: "conv_1", metadata: { user_id: "somebody" } };
		const headers = { "x-claude-code-session-id": "three", "x-session-id": "two" };
		const ask = (more: object, given = {}) =>
			read({ ...body, ...more }, { operation: "responses", headers: given })?.source;
		expect(ask({ prompt_cache_key: "one" }, headers)).toBe("prompt_cache_key");
		expect(ask({}, headers)).toBe("header");
		expect(read(SHORT, { headers })).toEqual(read(SHORT, { headers: { "x-session-id": "two" } }));
		expect(ask({})).toBe("conversation");
	});

	test("counts within its key and its alias only", () => {
		const named = { ...SHORT, prompt_cache_key: "one" };
		const ids = [
			read(named),
			read(named, { key: "vk_2" }),
			read(named, { alias: "other" }),
			// Nor can a name be made to look like another key's.
			read({ ...SHORT, prompt_cache_key: "one\nvk_2\nsmart" }),
		].map((session) => session?.id);
		expect(new Set(ids).size).toBe(4);
		for (const id of ids) {
			expect(id).toStartWith(id === ids[1] ? "vk_2\n" : "vk_1\n");
		}
	});

	test("that is empty, or far too long, is none", () => {
		expect(read({ ...SHORT, prompt_cache_key: "", metadata: { user_id: "" } })).toBeUndefined();
		expect(read(SHORT, { headers: { "x-session-id": "x".repeat(1_025) } })).toBeUndefined();
		expect(read(SHORT, { headers: { "x-session-id": "x".repeat(1_024) } })?.source).toBe("header");
	});

	test("user and safety_identifier are none: they name people, who have many conversations", () => {
		expect(read({ ...SHORT, user: "somebody", safety_identifier: "somebody" })).toBeUndefined();
	});
});

describe("a conversation without a name", () => {
	const opening = [system(LONG), user("Who signed?")];
	const first = read({ messages: opening });

	test("is known by how it begins, while it grows", () => {
		expect(first?.source).toBe("prefix");
		const grown = [...opening, assistant("Both parties."), user("When?")];
		expect(read({ messages: grown })).toEqual(first);
		expect(read({ messages: [...grown, assistant("In spring."), user("x".repeat(50_000))] })).toEqual(first);
	});

	test.each([
		["another question", { messages: [system(LONG), user("Who did not sign?")] }],
		["another system prompt", { messages: [system(`${LONG}!`), user("Who signed?")] }],
		["another role", { messages: [{ role: "developer", content: LONG }, user("Who signed?")] }],
		["another cut between them", { messages: [system(`${LONG}Who`), user(" signed?")] }],
		["tools", { messages: opening, tools: [{ type: "function", function: { name: "look_up" } }] }],
	])("%s is another conversation", (_, body) => {
		const other = read(body);
		expect(other?.source).toBe("prefix");
		expect(other?.id).not.toBe(first?.id);
	});

	test("is its own key's", () => {
		expect(read({ messages: opening }, { key: "vk_2" })?.id).not.toBe(first?.id);
	});

	test("is the same when its client marks where to cache, which turns texts into lists", () => {
		const marked = [{ type: "text", text: LONG, cache_control: { type: "ephemeral" } }];
		expect(read({ messages: [system(marked), user([{ type: "text", text: "Who signed?" }])] })).toEqual(first);
	});

	test("is told apart by the question, however long the system prompt and what the question is about", () => {
		const huge = LONG.repeat(10);
		const ask = (question: string) => read({ messages: [system(huge), user(`${huge}\n\n${question}`)] });
		expect(ask("Who?")?.id).toBe(ask("Who?")?.id);
		expect(ask("Who?")?.id).not.toBe(ask("How?")?.id);
	});

	test("is told apart by its pictures", () => {
		const picture = (url: string) => [{ type: "image_url", image_url: { url } }];
		const ask = (url: string) => read({ messages: [user(picture(url))] });
		expect(ask("https://example.com/1.png")?.source).toBe("prefix");
		expect(ask("https://example.com/1.png")?.id).not.toBe(ask("https://example.com/2.png")?.id);
	});

	test("in Responses is known by instructions and first message, said as a text or as items", () => {
		const ask = (input: unknown, instructions = LONG) => read({ input, instructions }, { operation: "responses" });
		const short = ask("Who signed?");
		expect(short?.source).toBe("prefix");
		const item = { type: "message", role: "user", content: [{ type: "input_text", text: "Who signed?" }] };
		const answer = { type: "message", role: "assistant", content: [{ type: "output_text", text: "Both." }] };
		expect(ask([item, answer, user("When?")])).toEqual(short);
		expect(ask([user("When?")])?.id).not.toBe(short?.id);
		expect(ask("Who signed?", `${LONG}!`)?.id).not.toBe(short?.id);
	});

	test("whose beginning lies at a provider stands alone", () => {
		const body = { input: LONG, previous_response_id: "resp_1" };
		expect(read(body, { operation: "responses" })).toBeUndefined();
		expect(read({ ...body, prompt_cache_key: "one" }, { operation: "responses" })?.source).toBe("prompt_cache_key");
	});

	test("of plain completions is known by the beginning of its prompt", () => {
		const ask = (prompt: unknown) => read({ prompt }, { operation: "completions" });
		expect(ask(LONG)?.source).toBe("prefix");
		expect(ask(`${LONG} And then?`)).toEqual(ask(LONG));
		expect(ask(`Not ${LONG}`)?.id).not.toBe(ask(LONG)?.id);
		expect(ask([LONG, LONG])).toBeUndefined();
	});

	test("that no provider would cache stands alone, and so does what generates nothing", () => {
		expect(read(SHORT)).toBeUndefined();
		expect(read({ messages: [user("word ".repeat(500))] })).toBeUndefined();
		expect(read({ messages: [user("word ".repeat(1_100))] })?.source).toBe("prefix");
		expect(read({ input: LONG, prompt_cache_key: "one" }, { operation: "embeddings" })).toBeUndefined();
	});
});

test("odd bodies are never an error", () => {
	const odd = fc.jsonValue({ maxDepth: 3 });
	const field = fc.constantFrom(
		...["messages", "input", "instructions", "tools", "functions", "prompt", "metadata", "prompt_cache_key"],
	);
	const turn = fc.oneof(
		odd,
		fc.record({ role: odd, content: odd }),
		fc.record({ role: fc.constant("user"), content: odd }),
	);
	const body = fc.dictionary(field, fc.oneof(odd, fc.array(turn, { maxLength: 4 })));
	fc.assert(
		fc.property(body, fc.constantFrom("chat", "responses", "completions"), (json, operation) => {
			const ask = () =>
				sessionOf({
					ingress: { operation },
					// What JSON.parse makes of anything.
					body: { kind: "json", ...parseJsonBody(new TextEncoder().encode(JSON.stringify(json))) },
					envelope: {
						...ingressOf.chat.readEnvelope({
							kind: "json",
							text: "",
							json: { model: "m", messages: [{ role: "user", content: "" }] },
						}),
						promptTokensMax: 5_000,
					},
					clientHeaders: new Headers(),
					recollection: undefined,
					principal: { id: "vk_1" },
					alias: { name: "smart" },
				});
			expect(ask()).toEqual(ask());
		}),
		{ numRuns: 2_000 },
	);
});

import { describe, expect, test } from "bun:test";
import type { Deployment } from "../../../src/config/types.ts";
import { createIngresses } from "../../../src/dialects/registry.ts";
import { seal as sealedItem } from "../../../src/dialects/responses-over-chat/reasoning.ts";
import { markOf } from "../../../src/dialects/seal.ts";
import type { OperationId } from "../../../src/dialects/types.ts";
import { accountOf, readerOf } from "../../../src/gateway/account.ts";
import { boundState, canRead, type Readers, readableFor, readersOf } from "../../../src/gateway/bound-state.ts";
import { createSealBook } from "../../../src/gateway/seal-book.ts";
import type { ParsedBody } from "../../../src/gateway/types.ts";
import { isUnreadableState } from "../../../src/gateway/unreadable-state.ts";
import { GatewayError } from "../../../src/lib/errors.ts";
import { parseJsonBody } from "../../../src/lib/json.ts";
import { isJsonObject, type JsonObject } from "../../../src/lib/json-types.ts";
import { providers } from "../../../src/providers/registry.ts";
import { deployment as fakeDeployment } from "../routing/fakes.ts";

const ingresses = createIngresses({ promptTokensUpperBound: (text) => text.length });

function bodyOf(json: JsonObject): Extract<ParsedBody, { kind: "json" }> {
	return { kind: "json", ...parseJsonBody(Buffer.from(JSON.stringify(json))) };
}

/** As the gateway asks: what the ingress has read is known already. */
function boundOf(operation: OperationId, body: ReturnType<typeof bodyOf>) {
	return boundState({ ingress: ingresses[operation], body, envelope: ingresses[operation].readEnvelope(body) });
}

function stateOf(operation: OperationId, json: JsonObject) {
	return boundOf(operation, bodyOf(json));
}

function at(provider: string, model: string, more: Partial<Deployment> = {}): Deployment {
	const known = providers.get(provider);
	if (known === undefined) {
		throw new Error(`no provider ${provider}`);
	}
	const usual = known.baseUrl({ region: "us-east-1", location: undefined }) ?? "http://127.0.0.1:9/v1";
	return { ...fakeDeployment(`${provider}-${model}`), provider: known, model, baseUrl: usual, apiKey: "k-1", ...more };
}

const CLAUDE = at("anthropic", "claude-sonnet-4-5");
const CLAUDE_ON_BEDROCK = at("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", { region: "us-east-1" });
const NOVA = at("bedrock", "amazon.nova-2-lite-v1:0", { region: "us-east-1" });
const CLAUDE_ON_VERTEX = at("vertex", "claude-opus-4-7");
const GEMINI = at("gemini", "gemini-3.1-pro-preview");
const GEMINI_ON_VERTEX = at("vertex", "gemini-3-pro-preview");
const COHERE = at("cohere", "command-a-03-2025");
const MISTRAL = at("mistral", "magistral-medium-2509");
const GROQ = at("groq", "openai/gpt-oss-20b");
const CEREBRAS = at("cerebras", "gpt-oss-120b");
const CLAUDE_AT_OPENROUTER = at("openrouter", "anthropic/claude-sonnet-5");
const KIMI_AT_OPENROUTER = at("openrouter", "moonshotai/kimi-k3");
const SOME_SERVER = at("openai_compatible", "some-model");
const OPENAI_A = at("openai", "gpt-6-sol", { id: "a", apiKey: "k-a" });
const OPENAI_B = at("openai", "gpt-6-sol", { id: "b", apiKey: "k-b" });
const AZURE = at("azure", "gpt-6-sol", { id: "azure", baseUrl: "https://one.openai.azure.com" });

const user = (text: string) => ({ role: "user", content: text });
const tool = (id: string) => ({ role: "tool", tool_call_id: id, content: "21" });
const call = (id: string, more: JsonObject = {}) => ({
	id,
	type: "function",
	function: { name: "weather", arguments: "{}" },
	...more,
});
const assistant = (more: JsonObject): JsonObject => ({ role: "assistant", content: null, ...more });
const thought = (signature: string, format = "anthropic-claude-v1"): JsonObject => ({
	type: "reasoning.text",
	text: "Hm.",
	signature,
	format,
	index: 0,
});
const google = (signature: string) => ({ extra_content: { google: { thought_signature: signature } } });
const chat = (...messages: JsonObject[]) => ({ model: "m", messages });

describe("what only its provider can read is found in", () => {
	const forms: readonly { readonly form: string; readonly message: JsonObject; readonly found: object }[] = [
		{
			form: "signed thinking",
			message: assistant({ reasoning_details: [thought("c2ln")] }),
			found: { format: "anthropic-claude-v1", field: "messages[].reasoning_details", marks: ["c2ln"] },
		},
		{
			form: "thinking in fragments, the signature in the last",
			message: assistant({
				reasoning_details: [
					{ type: "reasoning.text", text: "H", format: "anthropic-claude-v1", index: 0 },
					thought("c2ln"),
				],
			}),
			found: { format: "anthropic-claude-v1", marks: ["c2ln"] },
		},
		{
			form: "encrypted thinking of a maker at Bedrock",
			message: assistant({
				reasoning_details: [{ type: "reasoning.encrypted", data: "c2ln", format: "bedrock-converse-v1", id: "nova" }],
			}),
			found: { format: "bedrock-converse-v1", id: "nova" },
		},
		{
			form: "LiteLLM's thinking blocks",
			message: assistant({ thinking_blocks: [{ type: "thinking", thinking: "Hm.", signature: "c2ln" }] }),
			found: { format: "anthropic-claude-v1", field: "messages[].thinking_blocks" },
		},
		{
			form: "parts of the content",
			message: assistant({ content: [{ type: "redacted_thinking", data: "c2ln" }] }),
			found: { format: "anthropic-claude-v1", field: "messages[].content[].thinking" },
		},
		{
			form: "a call with a thought signature beside it",
			message: assistant({ tool_calls: [call("c1", google("c2ln"))] }),
			found: { format: "google-gemini-v1", field: "messages[].tool_calls[].extra_content" },
		},
		{
			form: "a message with a thought signature beside it",
			message: assistant({ content: "Hi.", ...google("c2ln") }),
			found: { format: "google-gemini-v1", field: "messages[].extra_content" },
		},
	];
	test.each(forms)("$form", ({ message, found }) => {
		expect(stateOf("chat", chat(user("Hello"), message))).toEqual([expect.objectContaining(found)]);
	});

	const items: readonly { readonly form: string; readonly item: JsonObject; readonly found: object }[] = [
		{
			form: "encrypted reasoning of an account",
			item: { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAA" },
			found: { format: "openai-responses", marks: ["rs_1", "gAAAA"], isEssential: false },
		},
		{
			form: "reasoning that its provider keeps",
			item: { type: "reasoning", id: "rs_1", summary: [] },
			found: { format: "openai-responses", marks: ["rs_1"], isEssential: false },
		},
		{
			form: "thinking that the gateway has sealed",
			item: { type: "reasoning", summary: [], encrypted_content: sealedItem({ reasoning_details: [thought("c2ln")] }) },
			found: { format: "anthropic-claude-v1", marks: ["c2ln"], field: "input[].reasoning" },
		},
		{
			form: "a call with a thought signature",
			item: { type: "function_call", call_id: "c1", name: "weather", arguments: "{}", ...google("c2ln") },
			found: { format: "google-gemini-v1", field: "input[].extra_content" },
		},
		{
			form: "a compaction",
			item: { type: "compaction", id: "cmp_1", encrypted_content: "gAAAA" },
			found: { format: "openai-responses", marks: ["cmp_1", "gAAAA"], field: "input[].compaction", isEssential: true },
		},
		{
			form: "a reference to a message",
			item: { type: "item_reference", id: "msg_1" },
			found: { format: "openai-responses", marks: ["msg_1"], isEssential: true },
		},
		{
			form: "a reference to reasoning",
			item: { type: "item_reference", id: "rs_1" },
			found: { marks: ["rs_1"], isEssential: false },
		},
	];
	test.each(items)("$form (Responses)", ({ item, found }) => {
		expect(stateOf("responses", { model: "m", input: [user("Hi"), item] })).toEqual([expect.objectContaining(found)]);
	});

	test("nothing that anybody can read", () => {
		const plain = chat(
			user('What is a "signature"?'),
			assistant({
				content: "Ink.",
				reasoning_content: "Hm.",
				reasoning_details: [{ type: "reasoning.text", text: "Hm." }],
			}),
		);
		expect(stateOf("chat", plain)).toBeUndefined();
		const own = { type: "reasoning", id: "rs_01HZZZZZZZZZZZZZZZZZZZZZZZ_0", summary: [] };
		expect(stateOf("responses", { model: "m", input: [own, user("Hi")] })).toBeUndefined();
		expect(stateOf("responses", { model: "m", input: "encrypted_content" })).toBeUndefined();
		expect(stateOf("embeddings", { model: "m", input: '"encrypted_content"' })).toBeUndefined();
	});
});

const book = () => createSealBook();
const readersAt = (operation: OperationId, seals = book()): Readers => ({ operation, seals });

describe("who reads what was sealed", () => {
	const all = [
		...[CLAUDE, CLAUDE_ON_BEDROCK, NOVA, CLAUDE_ON_VERTEX, GEMINI, GEMINI_ON_VERTEX, COHERE, MISTRAL, GROQ, CEREBRAS],
		...[CLAUDE_AT_OPENROUTER, KIMI_AT_OPENROUTER, SOME_SERVER, OPENAI_A],
	];
	const verdicts = (details: JsonObject[]) => {
		const [seal] = stateOf("chat", chat(user("Hi"), assistant({ reasoning_details: details }))) ?? [];
		const told = (verdict: string) =>
			all.filter((deployment) => seal && canRead(seal, deployment, readersAt("chat")) === verdict);
		return { yes: told("yes"), maybe: told("maybe") };
	};
	test("Claude's signatures: Claude, wherever it is served", () => {
		expect(verdicts([thought("c2ln")])).toEqual({
			yes: [CLAUDE, CLAUDE_ON_BEDROCK, CLAUDE_ON_VERTEX, CLAUDE_AT_OPENROUTER],
			maybe: [KIMI_AT_OPENROUTER, SOME_SERVER],
		});
	});
	test("Gemini's: Gemini, at both of its addresses", () => {
		const detail = { type: "reasoning.encrypted", data: "c2ln", format: "google-gemini-v1" };
		expect(verdicts([detail]).yes).toEqual([GEMINI, GEMINI_ON_VERTEX]);
	});
	test("another maker's at Bedrock: its own models there", () => {
		const detail = { type: "reasoning.encrypted", data: "c2ln", format: "bedrock-converse-v1", id: "nova" };
		expect(verdicts([detail]).yes).toEqual([NOVA]);
	});

	const reasoning = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAA" };
	const [opaque] = stateOf("responses", { model: "m", input: [reasoning] }) ?? [];
	const opaqueAt = (deployment: Deployment, seals = book()) =>
		opaque && canRead(opaque, deployment, readersAt("responses", seals));

	test("encrypted reasoning: the account that made it; who speaks Responses, while nobody knows", () => {
		expect([OPENAI_A, OPENAI_B, AZURE, CLAUDE].map((one) => opaqueAt(one))).toEqual(["maybe", "maybe", "maybe", "no"]);
		const seals = book();
		seals.made(["gAAAA"], accountOf(OPENAI_A));
		const twin = { ...OPENAI_A, id: "twin", model: "gpt-6-luna" };
		expect([OPENAI_A, twin, OPENAI_B, AZURE, CLAUDE].map((one) => opaqueAt(one, seals))).toEqual([
			"yes",
			"yes",
			"no",
			"no",
			"no",
		]);
	});
	test("accounts are told apart by provider, address and credential; an organisation goes before its keys", () => {
		const named = (apiKey: string) => accountOf({ ...OPENAI_A, apiKey, headers: { "OpenAI-Organization": "org-1" } });
		expect(named("k-1")).toBe(named("k-2"));
		const others = [OPENAI_A, OPENAI_B, AZURE, { ...OPENAI_A, baseUrl: "https://eu.api.openai.com/v1" }].map(accountOf);
		expect(new Set(others).size).toBe(4);
		expect(others.join()).not.toContain("k-a");
	});
	test("nobody who has said that it cannot, and only that model of its account", () => {
		const seals = book();
		seals.refused(["rs_1"], readerOf(OPENAI_A));
		expect([OPENAI_A, { ...OPENAI_A, model: "gpt-6-luna" }].map((one) => opaqueAt(one, seals))).toEqual([
			"no",
			"maybe",
		]);
	});
	test("what was noted longest ago is forgotten first, what was asked for is not", () => {
		const seals = createSealBook(2);
		seals.made(["one", "two"], "A");
		expect(seals.makerOf(["one"])).toBe("A");
		seals.made(["three"], "B");
		expect(["one", "two", "three"].map((mark) => seals.makerOf([mark]))).toEqual(["A", undefined, "B"]);
	});
});

describe("where a conversation is read best", () => {
	const readers = (json: JsonObject, deployments: readonly Deployment[]) => {
		const state = stateOf("chat", json) ?? [];
		return deployments.filter(readersOf(state, readersAt("chat")));
	};
	const claude = (id: string) => assistant({ reasoning_details: [thought(`claude-${id}`)], tool_calls: [call(id)] });
	const gemini = (id: string) => assistant({ tool_calls: [call(id, google(`gemini-${id}`))] });
	const both = [GEMINI, CLAUDE];

	test("the turn that is going on counts before what is over", () => {
		const over = [user("One"), claude("a"), tool("a"), claude("b"), tool("b"), user("Two")];
		expect(readers(chat(...over, gemini("c"), tool("c")), both)).toEqual([GEMINI]);
		expect(readers(chat(...over), both)).toEqual([CLAUDE]);
	});
	test("who has left most, and the first of equals: a failover for one step changes nothing", () => {
		expect(readers(chat(user("One"), claude("a"), tool("a"), gemini("b"), tool("b")), both)).toEqual([CLAUDE]);
		const more = [user("One"), claude("a"), tool("a"), gemini("b"), tool("b"), gemini("c"), tool("c")];
		expect(readers(chat(...more), both)).toEqual([GEMINI]);
	});
	test("a server of which nobody knows is no reader of what chat seals", () => {
		expect(readers(chat(user("One"), claude("a"), tool("a")), [SOME_SERVER, GROQ])).toEqual([]);
	});
});

/** What a deployment is sent of a conversation. */
function sentTo(deployment: Deployment, operation: OperationId, json: JsonObject, seals = book()) {
	const body = bodyOf(json);
	const state = boundOf(operation, body);
	const readable = readableFor(deployment, { body, state }, readersAt(operation, seals));
	return { ...readable, json: readable.body.kind === "json" ? JSON.parse(JSON.stringify(readable.body.json)) : {} };
}

describe("what cannot be read is left out, and named", () => {
	const conversation = chat(
		user("One"),
		assistant({ reasoning_details: [thought("claude-1")], tool_calls: [call("a")] }),
		tool("a"),
		assistant({ content: "Hm.", tool_calls: [call("b", google("gemini-1"))] }),
		tool("b"),
	);
	const seals = ["claude-1", "gemini-1"];
	test.each([
		{ deployment: CLAUDE, kept: ["claude-1"] as readonly string[], dropped: ["messages[].tool_calls[].extra_content"] },
		{ deployment: CLAUDE_ON_BEDROCK, kept: ["claude-1"], dropped: ["messages[].tool_calls[].extra_content"] },
		{ deployment: GEMINI, kept: ["gemini-1"], dropped: ["messages[].reasoning_details"] },
		{ deployment: SOME_SERVER, kept: seals, dropped: [] },
		...[OPENAI_A, AZURE, GROQ, CEREBRAS, COHERE, MISTRAL, NOVA].map((deployment) => ({
			deployment,
			kept: [],
			dropped: ["messages[].reasoning_details", "messages[].tool_calls[].extra_content"],
		})),
	])("$deployment.id", ({ deployment, kept, dropped }) => {
		// Azure is at an address of its own always; what is known of it holds there too.
		const known = { ...deployment, provider: { ...deployment.provider, baseUrl: () => deployment.baseUrl } };
		const { json, ...sent } = sentTo(known, "chat", conversation);
		const text = JSON.stringify(json);
		expect(seals.filter((seal) => text.includes(seal))).toEqual([...kept]);
		expect(sent.dropped).toEqual(dropped);
		expect(sent.sent.map(({ marks }) => marks[0] ?? "")).toEqual([...kept]);
		// The words, the calls and their results are all there.
		const bare = json.messages.map(({ role, content, tool_calls: calls = [] }: JsonObject) => [
			role,
			content,
			Array.isArray(calls) ? calls.map((one) => isJsonObject(one) && one.id) : calls,
		]);
		expect(bare).toEqual([
			["user", "One", []],
			["assistant", null, ["a"]],
			["tool", "21", []],
			["assistant", "Hm.", ["b"]],
			["tool", "21", []],
		]);
	});

	test("providers that check strictly name all fields of other providers' seals as refused", () => {
		const fields = ["reasoning_details", "thinking_blocks", "extra_content", "reasoning_content"] as const;
		for (const { provider } of [OPENAI_A, AZURE, GROQ, CEREBRAS]) {
			expect(fields.filter((field) => !provider.quirks.refuses.includes(field))).toEqual([]);
		}
		// What it sends itself it takes back.
		expect(CEREBRAS.provider.quirks.refuses).not.toContain("reasoning");
	});

	test("parts of the content, and all pieces of a thought whose seal is gone", () => {
		const pieces = [{ type: "reasoning.text", text: "H", format: "anthropic-claude-v1", index: 0 }, thought("c2ln")];
		const messages = [
			assistant({ reasoning_details: pieces, content: "Hi." }),
			assistant({ content: [{ type: "redacted_thinking", data: "c2ln" }], tool_calls: [call("a")] }),
			assistant({ content: [{ type: "redacted_thinking", data: "c2ln" }] }),
		];
		const { json } = sentTo(GEMINI, "chat", chat(...messages));
		expect(json.messages).toEqual([
			assistant({ content: "Hi." }),
			assistant({ tool_calls: [call("a")] }),
			assistant({ content: "" }),
		]);
	});

	const item = (id: string) => ({ type: "reasoning", id, summary: [], encrypted_content: `sealed-${id}` });
	const fc = (id: string, callId: string) => ({
		type: "function_call",
		id,
		call_id: callId,
		name: "weather",
		arguments: "{}",
		status: "completed",
	});
	const output = (callId: string) => ({ type: "function_call_output", call_id: callId, output: "21" });
	const loop = {
		model: "m",
		store: false,
		input: [
			user("One"),
			item("rs_a"),
			fc("fc_1", "c1"),
			fc("fc_2", "c2"),
			output("c1"),
			output("c2"),
			item("rs_b"),
			fc("fc_3", "c3"),
			output("c3"),
		],
	};

	test("another account's reasoning with its id; the calls that it led to stay without theirs", () => {
		const seals = book();
		seals.made(["rs_a", "sealed-rs_a"], accountOf(OPENAI_A));
		seals.made(["rs_b", "sealed-rs_b"], accountOf(OPENAI_B));
		const { id: _, ...first } = fc("", "c1");
		const { id: __, ...second } = fc("", "c2");
		const { json, dropped } = sentTo(OPENAI_B, "responses", loop, seals);
		expect(json.input).toEqual([
			user("One"),
			first,
			second,
			output("c1"),
			output("c2"),
			item("rs_b"),
			fc("fc_3", "c3"),
			output("c3"),
		]);
		expect(dropped).toEqual(["input[].reasoning"]);
		expect(sentTo(OPENAI_A, "responses", loop, seals).json.input).not.toContainEqual(item("rs_b"));
	});
	test("nothing while its maker is not known", () => {
		const { body, dropped, sent } = sentTo(OPENAI_B, "responses", loop);
		expect({ dropped, sent: sent.length }).toEqual({ dropped: [], sent: 2 });
		expect(body.kind === "json" && body.text).toBe(JSON.stringify(loop));
	});
	test("a compaction of another account is not left out but refused: it stands for what was said", () => {
		const seals = book();
		seals.made(["cmp_1"], accountOf(OPENAI_A));
		const compacted = { model: "m", input: [{ type: "compaction", id: "cmp_1", encrypted_content: "x" }, user("Two")] };
		expect(sentTo(OPENAI_A, "responses", compacted, seals).sent.length).toBe(1);
		expect(() => sentTo(OPENAI_B, "responses", compacted, seals)).toThrow(GatewayError);
	});
	test("marks of long contents are short, and unlike", () => {
		const marks = ["a".repeat(5_000), `${"a".repeat(4_999)}b`].map(markOf);
		expect(new Set(marks).size).toBe(2);
		expect(marks.every((mark) => mark.length < 30)).toBe(true);
	});
});

describe("a refusal of state is known by its words", () => {
	const fault = (message: string, more: { status?: number; code?: string } = {}) => ({
		status: 400,
		type: "invalid_request_error",
		code: undefined,
		message,
		...more,
	});
	test.each([
		"The encrypted content for item rs_0d09 could not be verified. Reason: Encrypted content organization_id did not match the target organization.",
		"The encrypted content gAAA...DQ== could not be verified.",
		"Encrypted content is not supported with this model.",
		"Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'.",
		"messages.1.content.0: Invalid `signature` in `thinking` block",
		"The model returned the following errors: messages.369.content.0.thinking.signature: Field required",
		"messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
		"Corrupted thought signature.",
		"Unable to submit request because Thought signature is not valid",
		"Function call is missing a thought_signature in functionCall parts.",
		"property 'messages.1.reasoning_details' is unsupported",
	])("%s", (message) => {
		expect(isUnreadableState(fault(message))).toBe(true);
		expect(isUnreadableState(fault(message, { status: 503 }))).toBe(false);
	});
	test("by OpenAI's code alone, and by a 404 for an item", () => {
		expect(isUnreadableState(fault("No.", { code: "invalid_encrypted_content", status: 500 }))).toBe(true);
		expect(isUnreadableState(fault("Item with id 'rs_1' not found.", { status: 404 }))).toBe(true);
	});
	test.each([
		"The model `x` does not exist",
		"Invalid value for 'temperature'",
		"The tool 'sign_document' needs a signature",
		"max_tokens must be greater than thinking.budget_tokens",
		"Expected a JWS signature",
	])("not %s", (message) => {
		expect(isUnreadableState(fault(message))).toBe(false);
	});
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import type { DeploymentSpec } from "../support/gateway-config.ts";
import { nativeError, type Wire } from "../support/native/answers.ts";
import type { Saying } from "../support/native/saying.ts";
import { createStrictProvider, type StrictProvider } from "../support/native/strict-provider.ts";
import { nativeDeployment } from "../support/native-deployment.ts";
import { type Json, object, objects } from "../support/oracle/json.ts";
import { createSdkClient, type SdkClient } from "../support/sdk-client.ts";
import { type Reply, startUpstream, type Upstream } from "../support/upstream.ts";

/*
 * Conversations with sealed thinking in the midst of their tool calls, with two providers that refuse what the real ones
 * refuse: `first` made the seals, `second` takes over.
 */
interface Place {
	readonly provider: StrictProvider;
	readonly upstream: Upstream;
}

const WIRES = { claude: "anthropic", bedrock: "bedrock", gemini: "vertex", azure: "chat", strict: "chat" } as const;
type Model = keyof typeof WIRES;

let first: Place;
let second: Place;
let gateway: TestGateway;
let client: SdkClient;
/** The first provider is overloaded. */
let isDown = false;

/** Aliases of each kind, so that no test inherits the breaker of another. */
const COPIES = 8;
const PAIRS = ["claude-gemini", "claude-azure", "claude-bedrock", "claude-strict", "gemini-claude"] as const;
const given = new Map<string, number>();

/** An alias in which the second provider stands before the first. */
function fresh(pair: (typeof PAIRS)[number]): string {
	const next = given.get(pair) ?? 0;
	given.set(pair, next + 1);
	expect(next).toBeLessThan(COPIES);
	return `${pair}-${next}`;
}

async function startPlace(orDown: () => Reply | undefined): Promise<Place> {
	const provider = createStrictProvider();
	return { provider, upstream: await startUpstream((request) => orDown() ?? provider.answer(request)) };
}

function deploymentOf(model: Model, { upstream }: Place, priority: number): DeploymentSpec {
	switch (model) {
		case "azure":
			return { upstream, provider: "azure", base_url: upstream.url, model: "gpt-6-sol", priority };
		case "strict":
			return { upstream, provider: "openai_compatible", model: "some-model", priority };
		default:
			return nativeDeployment(model === "claude" ? "anthropic" : WIRES[model], upstream, { priority });
	}
}

beforeAll(async () => {
	first = await startPlace(() => (isDown ? nativeError("anthropic", 503, "Overloaded.") : undefined));
	second = await startPlace(() => undefined);
	const pairs = PAIRS.flatMap((pair) => {
		// Two models of the table above, by the names of the pairs.
		const [maker, other] = pair.split("-") as [Model, Model];
		const deployments = [deploymentOf(other, second, 1), deploymentOf(maker, first, 2)];
		return Array.from({ length: COPIES }, (_, index) => [`${pair}-${index}`, { deployments }] as const);
	});
	gateway = await startTestGateway({
		aliases: {
			claude: deploymentOf("claude", first, 1),
			gemini: deploymentOf("gemini", first, 1),
			...Object.fromEntries(pairs),
		},
		router: { retries: 1, sticky_for: "0s" },
	});
	client = createSdkClient(gateway, (await gateway.mint()).key);
});
beforeEach(() => {
	isDown = false;
});
afterAll(async () => {
	await gateway?.stop();
	await first?.upstream[Symbol.asyncDispose]();
	await second?.upstream[Symbol.asyncDispose]();
});

const tools = [
	{
		type: "function" as const,
		function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
	},
];
const QUESTION: ChatCompletionMessageParam = { role: "user", content: "Weather in Rome?" };
/** Of the latest thought: each has its own, as what was refused once is known. */
let seal = "";
let seals = 0;
const OTHER_SEAL = "CiQB0e2Kb2Rlci1zZWFsLW9mLWFub3RoZXI=";

function thought(): Saying {
	seals += 1;
	seal = Buffer.from(`a seal of which there is only one: ${seals}`).toString("base64url");
	return {
		thinking: { text: "I look it up.", seal },
		toolCalls: [{ id: "toolu_01AbC", name: "weather", arguments: { city: "Rome" } }],
	};
}
const ANSWER = "It is 21 degrees.";

const MANNERS = ["whole", "stream"] as const;

async function ask(manner: (typeof MANNERS)[number], model: string, messages: ChatCompletionMessageParam[]) {
	const params = { model, messages, tools, reasoning_effort: "low" as const };
	const { choices } =
		manner === "whole"
			? await client.openai.chat.completions.create(params)
			: await client.openai.chat.completions.stream(params).finalChatCompletion();
	const { headers } = await client.wire();
	const message = choices[0]?.message;
	if (message === undefined) {
		throw new Error("no answer");
	}
	return {
		message,
		by: headers.get("x-gateway-decision")?.split("/")[0],
		retries: headers.get("x-gateway-retries"),
		dropped: (headers.get("x-gateway-dropped") ?? "").split(", ").filter(Boolean),
		trail: object((await gateway.admin("GET", `/requests/${headers.get("x-request-id")}`)).json()),
	};
}

/** The first provider has thought and called a tool, whose result is there. */
async function begun(manner: (typeof MANNERS)[number], maker: "claude" | "gemini") {
	first.provider.says(WIRES[maker], thought(), { text: ANSWER }, { text: "Much the same." });
	const { message } = await ask(manner, maker, [QUESTION]);
	const results = (message.tool_calls ?? []).map(({ id }) => ({
		role: "tool" as const,
		tool_call_id: id,
		content: "21 degrees",
	}));
	expect(results.length).toBe(1);
	return [QUESTION, message, ...results];
}

const statuses = (trail: Json) => objects(trail.attempts).map(({ status }) => status);
const session = (trail: Json) => object(object(trail.routing).session);

describe.each([...MANNERS])("sealed thinking in a loop of tools, %s", (manner) => {
	test.each(["claude-gemini", "claude-azure", "claude-strict", "gemini-claude"] as const)(
		"goes on where it was sealed, before any priority (%s)",
		async (pair) => {
			const maker = pair.startsWith("claude") ? "claude" : "gemini";
			const loop = await begun(manner, maker);
			second.provider.says("chat", { text: "Never asked." });
			const { message, dropped, trail } = await ask(manner, fresh(pair), loop);
			expect(message.content).toBe(ANSWER);
			expect(JSON.stringify(first.provider.bodies[1])).toContain(seal);
			expect(second.provider.bodies.length).toBe(0);
			expect(dropped).not.toContain("messages[].reasoning_details");
			expect(session(trail)).toMatchObject({ source: "state", outcome: "held" });
		},
	);

	test.each([
		{ pair: "claude-gemini", wire: "vertex" },
		{ pair: "claude-azure", wire: "chat" },
		{ pair: "gemini-claude", wire: "anthropic" },
	] as const)("$pair: goes on without it while its provider is down, and back later", async ({ pair, wire }) => {
		const maker = pair.startsWith("claude") ? "claude" : "gemini";
		const loop = await begun(manner, maker);
		const model = fresh(pair);
		isDown = true;
		const thinks = wire === "vertex" ? { thinking: { text: "Ah.", seal: OTHER_SEAL } } : {};
		second.provider.says(wire as Wire, { ...thinks, text: ANSWER });
		const moved = await ask(manner, model, loop);
		expect(moved).toMatchObject({ message: { content: ANSWER }, retries: "1" });
		expect(moved.dropped.some((field) => /reasoning_details|extra_content/.test(field))).toBe(true);
		expect(statuses(moved.trail)).toEqual(["upstream_failed", "ok"]);
		expect(second.provider.latest()).toContain("21 degrees");
		expect(second.provider.latest()).not.toMatch(
			new RegExp(`${seal}|thinking_blocks|extra_content|"reasoning_details`),
		);
		isDown = false;
		const next: ChatCompletionMessageParam[] = [...loop, moved.message, { role: "user", content: "And tomorrow?" }];
		const back = await ask(manner, model, next);
		expect(back).toMatchObject({ message: { content: ANSWER }, retries: "0" });
		expect(second.provider.bodies.length).toBe(1);
		expect(JSON.stringify(first.provider.bodies[1])).toContain(seal);
		expect(JSON.stringify(first.provider.bodies[1])).not.toContain(OTHER_SEAL);
	});

	test("Claude's goes along from Anthropic to Bedrock", async () => {
		const loop = await begun(manner, "claude");
		isDown = true;
		second.provider.says("bedrock", { text: ANSWER });
		const moved = await ask(manner, fresh("claude-bedrock"), loop);
		// Either reads it, so the usual order holds.
		expect(moved).toMatchObject({ message: { content: ANSWER }, by: "bedrock", retries: "0" });
		expect(JSON.stringify(second.provider.bodies[0])).toContain(seal);
	});

	test("of another's making is refused once, and then left out", async () => {
		first.provider.says("anthropic", { text: ANSWER }, { text: ANSWER }, { text: "Much the same." });
		const forged = {
			role: "assistant" as const,
			content: null,
			tool_calls: [{ id: "toolu_01AbC", type: "function" as const, function: { name: "weather", arguments: "{}" } }],
			reasoning_details: [
				{
					type: "reasoning.text",
					text: "Hm.",
					signature: `${OTHER_SEAL}${manner}`,
					format: "anthropic-claude-v1",
					index: 0,
				},
			],
		};
		const loop: ChatCompletionMessageParam[] = [
			QUESTION,
			forged,
			{ role: "tool", tool_call_id: "toolu_01AbC", content: "21 degrees" },
		];
		const answered = await ask(manner, "claude", loop);
		expect(answered).toMatchObject({ message: { content: ANSWER }, retries: "0" });
		expect(answered.dropped).toContain("messages[].reasoning_details");
		expect(statuses(answered.trail)).toEqual(["refused", "ok"]);
		expect(first.provider.bodies.map((body) => JSON.stringify(body).includes(OTHER_SEAL))).toEqual([true, false]);
		// It is known from now on: the next turn asks once.
		const next = await ask(manner, "claude", [...loop, answered.message, { role: "user", content: "And tomorrow?" }]);
		expect(statuses(next.trail)).toEqual(["ok"]);
	});

	test("is left out for a server that does not know the field", async () => {
		const loop = await begun(manner, "claude");
		isDown = true;
		second.provider.says("chat", { text: ANSWER }, { text: ANSWER });
		second.upstream.script((request) => {
			const reply = second.provider.answer(request);
			return request.text().includes("reasoning_details")
				? nativeError("chat", 400, "messages.1.assistant.reasoning_details: property is unsupported")
				: reply;
		});
		try {
			const moved = await ask(manner, fresh("claude-strict"), loop);
			expect(moved).toMatchObject({ message: { content: ANSWER }, retries: "1" });
			expect(moved.dropped).toContain("messages[].reasoning_details");
			expect(statuses(moved.trail)).toEqual(["upstream_failed", "refused", "ok"]);
		} finally {
			second.upstream.script((request) => second.provider.answer(request));
		}
	});
});

test("a refusal for anything else is passed on as it was, after one call", async () => {
	const loop = await begun("whole", "claude");
	first.upstream.script(() => nativeError("anthropic", 400, "temperature: must be less than 1"));
	try {
		const refused = await client.openai.chat.completions
			.create({ model: "claude", messages: loop, tools })
			.catch((error: unknown) => error);
		expect(refused).toMatchObject({ status: 400 });
		const { headers } = await client.wire();
		const trail = object((await gateway.admin("GET", `/requests/${headers.get("x-request-id")}`)).json());
		expect(statuses(trail)).toEqual(["refused"]);
	} finally {
		first.upstream.script((request) =>
			isDown ? nativeError("anthropic", 503, "Overloaded.") : first.provider.answer(request),
		);
	}
});

import { expect, test } from "bun:test";
import { nanoOf } from "../support/cost-formula.ts";
import { startTestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import { chatAnswer, chatChunk } from "../support/openai-answers.ts";
import { bytesStep, head, json, SSE_HEADERS, sseText } from "../support/replies.ts";
import { startUpstream } from "../support/upstream.ts";

/** Words that the gateway takes for several tokens each, which its provider does not. */
const PIECES = Array.from({ length: 19 }, (_, index) => `Donaudampfschifffahrt${index} `);
const MAX_TOKENS = 20;

interface Trail {
	readonly attempts: readonly {
		readonly reserved_usd: string;
		readonly cost_usd: string;
		readonly usage_source: string;
	}[];
}

test("what is guessed of an answer without usage never passes the bound it was given, nor its reservation", async () => {
	await using upstream = await startUpstream((request) => {
		if (!/"stream"\s*:\s*true/.test(request.text())) {
			const { usage: _, ...answer } = chatAnswer({ content: PIECES.join("") });
			return json(200, answer);
		}
		const events = PIECES.map((content) => chatChunk({ content }));
		return {
			steps: [
				bytesStep(head(200, { ...SSE_HEADERS, connection: "close" })),
				bytesStep(sseText(events, { done: false })),
				{ kind: "wait", until: Bun.sleep(50) },
				{ kind: "fin" },
			],
		};
	});
	await using gateway = await startTestGateway({ aliases: { chat: { upstream } } });
	const { key } = await gateway.mint({ monthly_budget_usd: 1 });
	for (const stream of [true, false]) {
		const body = chatBody("chat", { max_tokens: MAX_TOKENS, ...(stream ? { stream } : {}) });
		const answer = await gateway.post("/v1/chat/completions", key, body);
		expect(answer.status).toBe(200);
		const trail = await gateway.admin("GET", `/requests/${answer.headers.get("x-request-id")}`);
		const [attempt] = trail.json<Trail>().attempts;
		expect(attempt?.usage_source).toBe(stream ? "partial" : "estimated");
		expect(nanoOf(attempt?.cost_usd)).toBeLessThanOrEqual(nanoOf(attempt?.reserved_usd));
	}
});

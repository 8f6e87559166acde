import { describe, expect, test } from "bun:test";
import { createIngresses, readerOf } from "../../../src/dialects/registry.ts";
import type { Envelope, OperationId } from "../../../src/dialects/types.ts";
import { parseJsonBody } from "../../../src/lib/json.ts";
import { promptTokens } from "../../../src/lib/usage.ts";
import { promptTokensUpperBound } from "../../../src/metering/tokens.ts";
import { type RecordedCase, recordedCases } from "../../support/recorded.ts";
import { parseSse } from "../../support/sse-events.ts";

const OPERATION_OF: Readonly<Record<string, OperationId>> = {
	"openai.chat": "chat",
	"openai.responses": "responses",
	"openai.completions": "completions",
	"openai.embeddings": "embeddings",
	"openai.moderations": "moderations",
	"openai.images": "images.generations",
};

/** What the provider refused too, and one request of Ollama's own API that is filed under OpenAI's name. */
const REFUSED = [
	["openai/ai-gateway.chat-bad-request.0", "max_tokens"],
	["openai/ai-gateway.chat-no-messages.0", "messages"],
	["openai/ai-gateway.completion-bad-request.0", "max_tokens"],
	["openai/ai-gateway.embeddings-bad-request.0", "dimensions"],
	["ollama/openllmetry.test_embeddings_test_ollama_embeddings_legacy.0", "input"],
] as const;
const refused = new Set<string>(REFUSED.map(([id]) => id));

/** Prompts that grow out of sight: xAI's own system prompt, gpt-oss' template, search results, thinking of earlier turns. */
const GROWS_UNSEEN = /grok|llama-cpp-gpt-oss_simple|WebSearch|web.search|OpenRouterThinking_anthropic/;

const ingresses = createIngresses({ promptTokensUpperBound });
const requests = recordedCases((entry) => entry.api in OPERATION_OF).filter(
	(recorded) => recorded.request.body !== null,
);

function readEnvelope(recorded: RecordedCase): Envelope {
	const body = parseJsonBody(Buffer.from(JSON.stringify(recorded.request.body)));
	return ingresses[OPERATION_OF[recorded.api] ?? "chat"].readEnvelope({ kind: "json", ...body });
}

function countedPrompt(recorded: RecordedCase): number | undefined {
	const reader = readerOf[OPERATION_OF[recorded.api] ?? "chat"];
	const text = recorded.response.body.toString();
	if (!recorded.stream) {
		const usage = reader.usage(JSON.parse(text));
		return usage && promptTokens(usage);
	}
	const stream = reader.openStream();
	for (const data of parseSse(text).data) {
		stream.step({ name: "", data });
	}
	const usage = stream.usage();
	return usage && promptTokens(usage);
}

describe("recorded requests", () => {
	test("there are hundreds of them", () => {
		expect(requests.length).toBeGreaterThan(350);
	});

	test.each(requests.filter(({ id }) => !refused.has(id)).map((recorded) => [recorded.id, recorded] as const))(
		"%s is accepted",
		(_id, recorded) => {
			const body = recorded.request.body ?? {};
			expect(readEnvelope(recorded)).toMatchObject({
				model: String(body.model),
				stream: body.stream === true,
				maxOutputTokens: body.max_completion_tokens ?? body.max_output_tokens ?? body.max_tokens ?? undefined,
				needs: { tools: Array.isArray(body.tools ?? body.functions) },
			});
		},
	);

	test.each(REFUSED)("%s is refused as its provider did, naming %s", (id, param) => {
		const [recorded] = requests.filter((entry) => entry.id === id);
		expect(recorded).toBeDefined();
		expect(() => recorded && readEnvelope(recorded)).toThrow(expect.objectContaining({ status: 400, param }));
	});

	test("no provider counted more prompt tokens than the bound, but for what it added unseen", () => {
		const compared = requests
			.filter(({ id, status }) => status === 200 && !refused.has(id) && !GROWS_UNSEEN.test(id))
			.map((recorded) => ({
				id: recorded.id,
				bound: readEnvelope(recorded).promptTokensMax,
				counted: countedPrompt(recorded) ?? 0,
			}));
		expect(compared.length).toBeGreaterThan(250);
		expect(compared.filter(({ bound, counted }) => counted > bound)).toEqual([]);
	});
});

import { describe, expect, test } from "bun:test";
import { azure } from "../../../src/providers/azure.ts";
import { OPENAI_PATHS } from "../../../src/providers/define.ts";

const RESOURCE = "https://acme.openai.azure.com";

function url(path: string, apiVersion: string | undefined, options: { model?: string; baseUrl?: string } = {}): string {
	const { baseUrl = RESOURCE, model = "prod-gpt" } = options;
	const nowhere = { region: undefined, project: undefined, location: undefined };
	return azure.url({ baseUrl, model, apiVersion, ...nowhere }, path);
}

describe("Azure OpenAI", () => {
	test.each([
		["no version", undefined, `${RESOURCE}/openai/v1/chat/completions`],
		["v1", "v1", `${RESOURCE}/openai/v1/chat/completions`],
		["preview", "preview", `${RESOURCE}/openai/v1/chat/completions?api-version=preview`],
		[
			"a dated version",
			"2024-10-21",
			`${RESOURCE}/openai/deployments/prod-gpt/chat/completions?api-version=2024-10-21`,
		],
		[
			"a dated preview",
			"2025-04-01-preview",
			`${RESOURCE}/openai/deployments/prod-gpt/chat/completions?api-version=2025-04-01-preview`,
		],
	])("%s chooses the address form", (_, apiVersion, expected) => {
		expect(url("/chat/completions", apiVersion)).toBe(expected);
	});

	test.each([
		["/embeddings", "/openai/deployments/prod-gpt/embeddings"],
		["/completions", "/openai/deployments/prod-gpt/completions"],
		["/images/generations", "/openai/deployments/prod-gpt/images/generations"],
		["/images/edits", "/openai/deployments/prod-gpt/images/edits"],
		["/audio/transcriptions", "/openai/deployments/prod-gpt/audio/transcriptions"],
		["/audio/translations", "/openai/deployments/prod-gpt/audio/translations"],
		["/audio/speech", "/openai/deployments/prod-gpt/audio/speech"],
		["/responses", "/openai/responses"],
		["/responses/resp_1/cancel", "/openai/responses/resp_1/cancel"],
	])("a dated version puts %s at %s", (path, expected) => {
		expect(url(path, "2025-03-01-preview")).toBe(`${RESOURCE}${expected}?api-version=2025-03-01-preview`);
	});

	test("every operation offered has an address in both forms", () => {
		for (const operation of azure.operations) {
			const path = OPENAI_PATHS[operation];
			expect(url(path, undefined)).toBe(`${RESOURCE}/openai/v1${path}`);
			expect(URL.canParse(url(path, "2024-10-21"))).toBe(true);
		}
		expect(azure.speech("moderations", "gpt")).toBeUndefined();
	});

	test("a query that is already there is kept beside the version", () => {
		expect(url("/responses/resp_1/input_items?limit=2", "2025-03-01-preview")).toBe(
			`${RESOURCE}/openai/responses/resp_1/input_items?limit=2&api-version=2025-03-01-preview`,
		);
	});

	test("a deployment name cannot leave its place in the path", () => {
		expect(url("/chat/completions", "2024-10-21", { model: "../../x?y=1#z ü" })).toBe(
			`${RESOURCE}/openai/deployments/..%2F..%2Fx%3Fy%3D1%23z%20%C3%BC/chat/completions?api-version=2024-10-21`,
		);
	});

	test.each([`${RESOURCE}/openai`, `${RESOURCE}/openai/v1`])("%s means the same resource", (baseUrl) => {
		expect(url("/responses", undefined, { baseUrl })).toBe(`${RESOURCE}/openai/v1/responses`);
	});

	test("the key goes in the api-key header", () => {
		expect(azure.auth("k-1")).toEqual({ "api-key": "k-1" });
		expect(azure.auth(undefined)).toEqual({});
	});
});

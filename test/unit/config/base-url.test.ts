import { describe, expect, test } from "bun:test";
import { readBaseUrl } from "../../../src/config/base-url.ts";
import { problemsOf, settingsOf, withDeployment } from "./config-fixtures.ts";

const OUTSIDE = { privateAllowed: false };
const INSIDE = { privateAllowed: true };

describe("a base URL", () => {
	test.each([
		["https://api.example.com", "https://api.example.com"],
		["https://api.example.com/", "https://api.example.com"],
		["https://api.example.com/v1///", "https://api.example.com/v1"],
		["HTTPS://API.Example.com:8443/V1", "https://api.example.com:8443/V1"],
		["https://8.8.8.8/v1", "https://8.8.8.8/v1"],
		["https://[2606:4700::1]/v1", "https://[2606:4700::1]/v1"],
	])("%p is read as %p", (text, url) => {
		expect(readBaseUrl(text, OUTSIDE)).toEqual({ url });
	});

	test.each([
		["", "must be a URL"],
		["api.example.com/v1", "must be a URL"],
		["file:///etc/passwd", "must be a URL"],
		["data:text/plain,x", "must be a URL"],
		["s3://bucket/key", "must be a URL"],
		["https:api.example.com", "must be a URL"],
		["https://user@api.example.com", "must not contain a user name"],
		["https://user:pass@api.example.com", "must not contain a user name"],
		["https://@api.example.com", "must not contain a user name"],
		["https://api.example.com/v1?key=x", "must not have a query"],
		["https://api.example.com/v1?", "must not have a query"],
		["https://api.example.com/v1#x", "must not have a query"],
		["http://api.example.com/v1", "must be https"],
	])("%p is refused: %s", (text, problem) => {
		for (const allowed of [OUTSIDE, INSIDE]) {
			expect(readBaseUrl(text, allowed)).toEqual({ problem: expect.stringContaining(problem) });
		}
	});

	test.each([
		"http://127.0.0.1:8000/v1",
		"https://2130706433/v1",
		"https://0x7f.1/v1",
		"https://0177.0.0.1/v1",
		"https://１２７.０.０.１/v1",
		"https://localhost./v1",
		"https://ollama:11434/v1",
		"https://metadata.google.internal/v1",
		"http://169.254.169.254/latest",
		"https://[::ffff:10.0.0.1]/v1",
		"https://[64:ff9b::7f00:1]/v1",
		"https://100.64.0.1/v1",
		"https://0.0.0.0/v1",
	])("%p is refused unless private addresses are allowed, and the problem says how", (text) => {
		expect(readBaseUrl(text, OUTSIDE)).toEqual({
			problem: expect.stringMatching(/^is a private or local address \(.+\); set allow_private: true here/),
		});
		expect(readBaseUrl(text, INSIDE)).toEqual({ url: expect.stringMatching(/^https?:/) });
	});
});

describe("a deployment's base URL", () => {
	const lines = ["provider: openai_compatible", "model: m", "base_url: http://127.1:8000/v1"];

	test("inside the network is refused", () => {
		expect(problemsOf(withDeployment(...lines))).toEqual([
			"config.yaml:6:19 model_list[0].deployments[0].base_url: is a private or local address (127.0.0.1); set allow_private: true here if that is intended",
		]);
	});

	test("inside the network is taken with allow_private", () => {
		const settings = settingsOf(withDeployment(...lines, "allow_private: true"));
		expect(settings.aliases[0]?.deployments[0]?.baseUrl).toBe("http://127.0.0.1:8000/v1");
	});

	test("inside the network is taken for a provider that is local by nature", () => {
		const settings = settingsOf(withDeployment("provider: ollama", "model: m", "base_url: http://gpu-box:11434/v1"));
		expect(settings.aliases[0]?.deployments[0]?.baseUrl).toBe("http://gpu-box:11434/v1");
	});

	test("may be given as Azure's resource, but not twice", () => {
		const azure = ["provider: azure", "model: m", "api_key: k", "resource: https://name.openai.azure.com/"];
		expect(settingsOf(withDeployment(...azure)).aliases[0]?.deployments[0]?.baseUrl).toBe(
			"https://name.openai.azure.com",
		);
		expect(problemsOf(withDeployment(...azure, "base_url: https://x.example.com"))).toEqual([
			"config.yaml:7:19 model_list[0].deployments[0].resource: cannot be combined with base_url; keep one of them",
		]);
	});
});

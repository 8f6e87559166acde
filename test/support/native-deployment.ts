import { type DeploymentSpec, PROVIDER_KEY } from "./gateway-config.ts";
import { NATIVE_PRICE } from "./native-cost.ts";
import type { ReceivedRequest } from "./upstream.ts";

/** Providers spoken to in words of their own, and their wire formats. */
export const NATIVE_WIRES = ["anthropic", "gemini", "vertex", "vertex-anthropic", "bedrock", "cohere"] as const;

export type NativeWire = (typeof NATIVE_WIRES)[number];

/** What stands for a model where a recording does not name one: of each maker an older and a newer one. */
export const NATIVE_MODELS: Readonly<Record<NativeWire, string>> = {
	anthropic: "claude-sonnet-4-5",
	gemini: "gemini-2.5-flash",
	vertex: "gemini-3-pro-preview",
	"vertex-anthropic": "claude-opus-4-7",
	bedrock: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
	cohere: "command-a-03-2025",
};

/** Where a provider's account is. */
const ACCOUNTS: Readonly<Record<NativeWire, Readonly<Record<string, string>>>> = {
	anthropic: {},
	gemini: {},
	vertex: { project: "test-project", location: "us-east5" },
	"vertex-anthropic": { project: "test-project", location: "us-east5" },
	bedrock: { region: "us-east-1" },
	cohere: {},
};

/** A deployment of a provider in its own dialect, at a scripted upstream. */
export function nativeDeployment(
	wire: NativeWire,
	upstream: { readonly url: string },
	more: Readonly<Record<string, unknown>> = {},
): DeploymentSpec {
	return {
		upstream,
		base_url: upstream.url,
		provider: providerOf(wire),
		model: NATIVE_MODELS[wire],
		price: NATIVE_PRICE,
		...ACCOUNTS[wire],
		...more,
	};
}

export function providerOf(wire: NativeWire): string {
	return wire === "vertex-anthropic" ? "vertex" : wire;
}

/** The provider's address for a model. */
function nativeTarget(wire: NativeWire, model: string, stream: boolean): string {
	const google = stream ? "streamGenerateContent?alt=sse" : "generateContent";
	const project = "/v1beta1/projects/test-project/locations/us-east5/publishers";
	switch (wire) {
		case "anthropic":
			return "/v1/messages";
		case "gemini":
			return `/v1beta/models/${model}:${google}`;
		case "vertex":
			return `${project}/google/models/${model}:${google}`;
		case "vertex-anthropic":
			return `${project}/anthropic/models/${model}:${stream ? "streamRawPredict" : "rawPredict"}`;
		case "bedrock":
			return `/model/${encodeURIComponent(model)}/${stream ? "converse-stream" : "converse"}`;
		case "cohere":
			return "/v2/chat";
		default:
			return wire satisfies never;
	}
}

/** The header that carries the provider's key, and what it holds. */
const AUTH: Readonly<Record<NativeWire, readonly [name: string, value: string]>> = {
	anthropic: ["x-api-key", PROVIDER_KEY],
	gemini: ["x-goog-api-key", PROVIDER_KEY],
	vertex: ["authorization", `Bearer ${PROVIDER_KEY}`],
	"vertex-anthropic": ["authorization", `Bearer ${PROVIDER_KEY}`],
	bedrock: ["authorization", `Bearer ${PROVIDER_KEY}`],
	cohere: ["authorization", `Bearer ${PROVIDER_KEY}`],
};

/** What is wrong with the address and the headers of a request as the provider got it; empty when it is right. */
export function addressFaults(
	wire: NativeWire,
	received: ReceivedRequest,
	sent: { readonly model: string; readonly stream: boolean; readonly virtualKey: string },
): string[] {
	const faults: string[] = [];
	const expectEqual = (what: string, got: unknown, expected: unknown) => {
		if (got !== expected) {
			faults.push(`${what} is ${JSON.stringify(got)}, not ${JSON.stringify(expected)}`);
		}
	};
	expectEqual("method", received.method, "POST");
	const target = nativeTarget(wire, sent.model, sent.stream);
	expectEqual("target", decodeURIComponent(received.target), decodeURIComponent(target));
	for (const name of ["authorization", "x-api-key", "x-goog-api-key"]) {
		expectEqual(name, received.header(name), name === AUTH[wire][0] ? AUTH[wire][1] : undefined);
	}
	const version = wire === "anthropic" ? "2023-06-01" : undefined;
	expectEqual("anthropic-version", received.header("anthropic-version"), version);
	expectEqual("content-type", received.header("content-type")?.split(";")[0], "application/json");
	if (`${received.target} ${JSON.stringify(received.headers)} ${received.text()}`.includes(sent.virtualKey)) {
		faults.push("the virtual key left the gateway");
	}
	return faults;
}

import { startTestGateway, type TestGateway } from "./gateway.ts";
import type { MintedKey } from "./gateway-client.ts";
import type { ConfigSpec, DeploymentSpec } from "./gateway-config.ts";
import { CHAT_WIRES, type Wire } from "./native/answers.ts";
import { createStrictProvider, type StrictProvider } from "./native/strict-provider.ts";
import { NATIVE_PRICE } from "./native-cost.ts";
import { NATIVE_WIRES, nativeDeployment } from "./native-deployment.ts";
import { type Json, object } from "./oracle/json.ts";
import { createSdkClient, type SdkClient } from "./sdk-client.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** Every way of reaching a model that has no Responses API and no completions of its own. */
export const BRIDGED_WIRES: readonly Wire[] = [...NATIVE_WIRES, ...CHAT_WIRES];

/** A deployment that only chats, in whichever words. */
export function chattingDeployment(
	wire: Wire,
	upstream: { readonly url: string },
	more: Readonly<Record<string, unknown>> = {},
): DeploymentSpec {
	switch (wire) {
		case "mistral":
			return { upstream, provider: "mistral", model: "magistral-medium-2509", price: NATIVE_PRICE, ...more };
		case "chat":
			return {
				upstream,
				provider: "openai_compatible",
				model: "scripted-model",
				operations: ["chat"],
				price: NATIVE_PRICE,
				...more,
			};
		default:
			return nativeDeployment(wire, upstream, more);
	}
}

/** One strict provider, spoken to in every wire format, by aliases of their names. */
export interface BridgedRig extends AsyncDisposable {
	readonly gateway: TestGateway;
	readonly provider: StrictProvider;
	readonly upstream: Upstream;
	/** A key of its own. */
	client(settings?: Readonly<Record<string, unknown>>): Promise<KeyClient>;
}

/** The openai package with a virtual key. */
export interface KeyClient extends SdkClient {
	readonly key: MintedKey;
}

export function clientOf(gateway: { readonly url: string }, key: MintedKey): KeyClient {
	return { ...createSdkClient(gateway, key.key), key };
}

export async function startBridgedRig(
	aliases: (upstream: Upstream) => ConfigSpec["aliases"] = () => ({}),
): Promise<BridgedRig> {
	const provider = createStrictProvider();
	const upstream = await startUpstream((request) => provider.answer(request));
	const gateway = await startTestGateway({
		aliases: {
			...Object.fromEntries(BRIDGED_WIRES.map((wire) => [wire, chattingDeployment(wire, upstream)])),
			...aliases(upstream),
		},
		router: { retries: 0 },
	});
	return {
		gateway,
		provider,
		upstream,
		client: async (settings) => clientOf(gateway, await gateway.mint(settings)),
		[Symbol.asyncDispose]: async () => {
			await gateway.stop();
			await upstream[Symbol.asyncDispose]();
		},
	};
}

/** The bound on the output as a provider was told it. */
export function outputBound(wire: Wire, body: Json | undefined): unknown {
	switch (wire) {
		case "gemini":
		case "vertex":
			return object(body?.generationConfig).maxOutputTokens;
		case "bedrock":
			return object(body?.inferenceConfig).maxTokens;
		default:
			return body?.max_tokens;
	}
}

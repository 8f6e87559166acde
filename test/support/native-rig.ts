import { startTestGateway, type TestGateway } from "./gateway.ts";
import type { MintedKey } from "./gateway-client.ts";
import { NATIVE_ANSWERS, nativeReply, type Wire } from "./native/answers.ts";
import type { Saying } from "./native/saying.ts";
import { NATIVE_WIRES, type NativeWire, nativeDeployment } from "./native-deployment.ts";
import { openRaw, type RawConnection, requestBytes } from "./raw.ts";
import { bytesStep, head, httpChunk } from "./replies.ts";
import { createSdkClient, type SdkClient } from "./sdk-client.ts";
import { type ReceivedRequest, type Reply, type Step, startUpstream, type Upstream } from "./upstream.ts";

/** Two upstreams of each wire format behind one gateway: `bad` is asked first and does what the test says, `good` answers. */
export interface NativeRig extends AsyncDisposable {
	readonly gateway: TestGateway;
	readonly bad: Upstream;
	readonly good: Upstream;
	readonly key: MintedKey;
	readonly client: SdkClient;
	/** An alias not used before, of both deployments (`pair`) or of `bad` alone and once (`only`): no breaker is inherited. */
	fresh(wire: NativeWire, kind: "pair" | "only"): string;
	/** An alias of `bad` in one wire format and `good` in another. */
	mixed(wire: NativeWire, other: NativeWire): string;
	/** A chat stream over a connection of its own, read as it comes. */
	openStream(alias: string, key?: MintedKey): Promise<RawConnection>;
}

/** What `good` says. */
export const GOOD: Saying = { text: "All is well." };

/** Aliases of each kind and wire that a rig can give out. */
const ALIASES = { pair: 48, only: 6 } as const;

export async function startNativeRig(): Promise<NativeRig> {
	const [bad, good] = await Promise.all([
		startUpstream(() => nativeReply("anthropic", GOOD, false)),
		startUpstream((request) => nativeReply(wireOf(request), GOOD, asksForStream(request))),
	]);
	const aliases = NATIVE_WIRES.flatMap((wire) => {
		const badOne = nativeDeployment(wire, bad, { priority: 1 });
		const pair = { deployments: [badOne, nativeDeployment(wire, good, { priority: 2 })] };
		const only = { deployments: [badOne], router: { retries: 0 } };
		return [
			...Array.from({ length: ALIASES.pair }, (_, index) => [`${wire}-pair-${index}`, pair] as const),
			...NATIVE_WIRES.map((other) => {
				const deployments = [badOne, nativeDeployment(other, good, { priority: 2 })];
				return [`${wire}-to-${other}`, { deployments }] as const;
			}),
			...Array.from({ length: ALIASES.only }, (_, index) => [`${wire}-only-${index}`, only] as const),
		];
	});
	const gateway = await startTestGateway({ aliases: Object.fromEntries(aliases) });
	const key = await gateway.mint({ name: "native" });
	const given = new Map<string, number>();
	return {
		gateway,
		bad,
		good,
		key,
		client: createSdkClient(gateway, key.key),
		fresh(wire, kind) {
			const next = given.get(`${wire}-${kind}`) ?? 0;
			if (next >= ALIASES[kind]) {
				throw new Error(`more than ${ALIASES[kind]} aliases asked for`);
			}
			given.set(`${wire}-${kind}`, next + 1);
			bad.forget();
			good.forget();
			return `${wire}-${kind}-${next}`;
		},
		mixed(wire, other) {
			bad.forget();
			good.forget();
			return `${wire}-to-${other}`;
		},
		async openStream(alias, owner = key) {
			const client = await openRaw(gateway.url);
			await client.write(
				requestBytes({
					method: "POST",
					target: "/v1/chat/completions",
					headers: { Authorization: `Bearer ${owner.key}`, "Content-Type": "application/json" },
					body: JSON.stringify({ model: alias, stream: true, messages: [{ role: "user", content: "Hello" }] }),
				}),
			);
			return client;
		},
		[Symbol.asyncDispose]: async () => {
			await gateway.stop();
			await Promise.all([bad, good].map((upstream) => upstream[Symbol.asyncDispose]()));
		},
	};
}

/** The wire format of a request, by its address. */
export function wireOf({ target }: Pick<ReceivedRequest, "target">): NativeWire {
	if (target.includes("/publishers/anthropic/")) {
		return "vertex-anthropic";
	}
	if (target.includes("/publishers/google/")) {
		return "vertex";
	}
	if (target.startsWith("/v1beta/")) {
		return "gemini";
	}
	if (target.startsWith("/model/")) {
		return "bedrock";
	}
	return target.startsWith("/v2/") ? "cohere" : "anthropic";
}

export function asksForStream(request: ReceivedRequest): boolean {
	return /stream/i.test(request.target) || /"stream"\s*:\s*true/.test(request.text());
}

/** How a stream ends that is not over. */
export type Cut = "fin" | "reset" | "clean";

/** A stream in two halves: the second leaves when the promise settles, and then the connection ends in the given way. */
export function halvedStream(
	wire: Wire,
	parts: { readonly first: Buffer; readonly rest: Buffer; readonly opened: Promise<unknown> },
	ending: Cut | "hang",
): Reply {
	const start = head(200, {
		"content-type": NATIVE_ANSWERS[wire].streamType,
		"transfer-encoding": "chunked",
	});
	const steps: Step[] = [
		bytesStep(start),
		bytesStep(httpChunk(parts.first)),
		{ kind: "wait", until: parts.opened },
		bytesStep(httpChunk(parts.rest)),
		ending === "clean" ? bytesStep("0\r\n\r\n") : { kind: ending },
	];
	return { steps };
}

import { startTestGateway, type TestGateway } from "./gateway.ts";
import { type Answer, chatBody } from "./gateway-client.ts";
import { chatFor, chatReply } from "./openai-answers.ts";
import { openRaw, type RawConnection, requestBytes } from "./raw.ts";
import { bytesStep, head, SSE_HEADERS } from "./replies.ts";
import { type Reply, refusedUrl, startUpstream, type Upstream } from "./upstream.ts";

/** Two upstreams behind one gateway: `bad` is tried first and does what the test says, `good` answers. */
export interface FailoverRig extends AsyncDisposable {
	readonly gateway: TestGateway;
	readonly bad: Upstream;
	readonly good: Upstream;
	/** Nobody may ever connect here. */
	readonly canary: Upstream;
	/** An alias not used before, of both deployments (`pair`) or of `bad` alone (`only`): no breaker is inherited. */
	fresh(kind: "pair" | "only"): string;
	ask(alias: string, stream: boolean): Promise<Answer>;
	/** A chat stream over a connection of its own, read as it comes. */
	openStream(alias: string): Promise<RawConnection>;
	/** Forgets what the upstreams have seen. */
	forget(): void;
}

/** Aliases of each kind that a rig can give out. */
const ALIASES = { pair: 600, only: 60 } as const;

export async function startFailoverRig(): Promise<FailoverRig> {
	const [bad, good, canary] = await Promise.all([
		startUpstream(() => chatReply()),
		startUpstream((request) => chatFor(request)),
		startUpstream(() => chatReply()),
	]);
	const timeouts = { timeout: "5s", ttft_timeout: "150ms" };
	const goodOne = { upstream: good, model: "good", priority: 2, ...timeouts };
	const badOne = { upstream: bad, model: "bad", priority: 1, ...timeouts };
	const before = (upstream: string) => ({ deployments: [{ ...badOne, upstream }, goodOne] });
	const numbered = <T>(kind: keyof typeof ALIASES, entry: T) =>
		Object.fromEntries(Array.from({ length: ALIASES[kind] }, (_, index) => [`${kind}-${index}`, entry]));
	const gateway = await startTestGateway({
		aliases: {
			...numbered("pair", { deployments: [badOne, goodOne] }),
			...numbered("only", badOne),
			refused: before(await refusedUrl()),
			"no-such-host": before("https://no-such-host.invalid"),
			tls: before(bad.url.replace("http:", "https:")),
		},
		server: { stream_idle_timeout: "150ms" },
		router: { strategy: "round_robin", retries: 2, retry_after_ms: 1 },
	});
	const { key } = await gateway.mint();
	const next = { pair: 0, only: 0 };
	return {
		gateway,
		bad,
		good,
		canary,
		fresh: (kind) => {
			next[kind] += 1;
			if (next[kind] > ALIASES[kind]) {
				throw new Error(`more than ${ALIASES[kind]} aliases asked for`);
			}
			return `${kind}-${next[kind] - 1}`;
		},
		ask: (alias, stream) => gateway.post("/v1/chat/completions", key, chatBody(alias, stream ? { stream: true } : {})),
		openStream: async (alias) => {
			const client = await openRaw(gateway.url);
			await client.write(
				requestBytes({
					method: "POST",
					target: "/v1/chat/completions",
					headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
					body: JSON.stringify(chatBody(alias, { stream: true })),
				}),
			);
			return client;
		},
		forget: () => {
			bad.forget();
			good.forget();
		},
		[Symbol.asyncDispose]: async () => {
			await gateway.stop();
			await Promise.all([bad, good, canary].map((upstream) => upstream[Symbol.asyncDispose]()));
		},
	};
}

/** A stream whose end is the close of the connection: a cut looks like a clean end. */
export function closeDelimitedStream(text: string): Reply {
	return {
		steps: [bytesStep(head(200, { ...SSE_HEADERS, connection: "close" })), bytesStep(text), { kind: "fin" }],
	};
}

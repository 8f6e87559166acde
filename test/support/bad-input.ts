import { expect } from "bun:test";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import type { ConfigSpec } from "./gateway-config.ts";
import { chatFor } from "./openai-answers.ts";
import { type RawExchange, requestBytes, type SendOptions, sendRaw } from "./raw.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** A gateway that is sent nonsense, and the upstream that must not hear of it. */
export interface BadInputRig extends AsyncDisposable {
	readonly gateway: TestGateway;
	readonly upstream: Upstream;
	/** A valid virtual key without limits. */
	readonly key: string;
	readonly keyId: string;
}

/** What a line of RELIABILITY §4 asks for. */
export interface Verdict {
	/** Allowed statuses. */
	readonly status: number | readonly number[];
	readonly type?: string;
	readonly code?: string;
	/** The `param` of the error starts with this. */
	readonly param?: string;
	/**
	 * Bun's HTTP parser answers before any code of ours runs (RELIABILITY, Appendix A): a bare status line without a body,
	 * or just a close.
	 */
	readonly byParser?: boolean;
	/** Upstream calls allowed although the answer is an error. Default 0. */
	readonly calls?: number;
}

export interface BadInput {
	/** The line of RELIABILITY §4. */
	readonly id: string;
	readonly what: string;
	readonly send: (rig: BadInputRig) => Uint8Array | string | readonly (Uint8Array | string)[];
	readonly expected: Verdict;
	readonly options?: SendOptions;
}

export async function startBadInputRig(server: ConfigSpec["server"] = {}): Promise<BadInputRig> {
	const upstream = await startUpstream((request) => chatFor(request));
	const gateway = await startTestGateway({
		aliases: {
			"gpt-4o": { upstream },
			narrow: { upstream, max_context_tokens: 100 },
			listen: { upstream, model: "gpt-4o-transcribe" },
		},
		server,
	});
	const { id, key } = await gateway.mint({ name: "bad inputs" });
	return {
		gateway,
		upstream,
		key,
		keyId: id,
		[Symbol.asyncDispose]: async () => {
			await gateway.stop();
			await upstream[Symbol.asyncDispose]();
		},
	};
}

let addresses = 0;

/** A loopback address not used lately: too many wrong keys from one address are answered 429, which is another test. */
export function nextAddress(): string {
	addresses += 1;
	return `127.1.${Math.floor(addresses / 250) % 250}.${(addresses % 250) + 1}`;
}

/** The slowest answer that does not count as hanging. */
const HANG_MS = 15_000;
const ERROR_FIELDS = new Set(["type", "message", "code", "param", "kind", "retry_after_seconds"]);

/** Sends the input and holds the answer to its verdict: status, shape, no upstream call, no hang. */
export async function expectVerdict(rig: BadInputRig, input: BadInput): Promise<RawExchange> {
	const callsBefore = rig.upstream.requests.length;
	const exchange = await sendRaw(rig.gateway.url, input.send(rig), {
		deadlineMs: HANG_MS,
		localAddress: nextAddress(),
		...input.options,
	});
	const { response } = exchange;
	expect({ id: input.id, timedOut: exchange.timedOut }).toEqual({ id: input.id, timedOut: false });
	const allowed = [input.expected.status].flat();
	if (response === undefined) {
		expect({ id: input.id, answer: "none", byParser: input.expected.byParser ?? false }).toMatchObject({
			byParser: true,
		});
		return exchange;
	}
	const told = `${response.status} ${response.text().slice(0, 300)}`;
	expect({ told, ok: allowed.includes(response.status) }).toEqual({ told, ok: true });
	if (response.status >= 400) {
		expect(rig.upstream.requests.length - callsBefore).toBeLessThanOrEqual(input.expected.calls ?? 0);
	}
	if (response.status >= 400 && input.expected.byParser !== true && input.options?.bodiless !== true) {
		expectErrorShape(response.text(), (name) => response.header(name));
		const { error } = JSON.parse(response.text());
		expect(error).toMatchObject({
			...(input.expected.type === undefined ? {} : { type: input.expected.type }),
			...(input.expected.code === undefined ? {} : { code: input.expected.code }),
			...(input.expected.param === undefined ? {} : { param: expect.stringContaining(input.expected.param) }),
		});
	}
	return exchange;
}

/** The one shape of every error: RELIABILITY §4, SPEC §8. */
export function expectErrorShape(body: string, header: (name: string) => string | undefined): void {
	expect(header("content-type")).toStartWith("application/json");
	expect(header("x-request-id")).toMatch(/^req_[0-9A-HJKMNP-TV-Z]{26}$/);
	const parsed = JSON.parse(body);
	expect(Object.keys(parsed)).toEqual(["error"]);
	expect([typeof parsed.error.type, typeof parsed.error.message]).toEqual(["string", "string"]);
	expect(Object.keys(parsed.error).filter((name) => !ERROR_FIELDS.has(name))).toEqual([]);
	expect(parsed.error).toHaveProperty("code");
	expect(parsed.error).toHaveProperty("param");
	// No stack frames, no paths of the build, no hashes of keys.
	expect(parsed.error.message).not.toMatch(/\n\s+at |node_modules|\/src\/|\$bunfs|[0-9a-f]{64}/);
}

/** POST with a key and a JSON content type; a header of null is left out. */
export function post(
	rig: BadInputRig,
	target: string,
	body: string | Uint8Array,
	headers: Readonly<Record<string, string | null>> = {},
): Buffer {
	return requestBytes({
		method: "POST",
		target,
		headers: { Authorization: `Bearer ${rig.key}`, "Content-Type": "application/json", ...headers },
		body,
	});
}

export const CHAT_PATH = "/v1/chat/completions";

/** A chat request whose fields are patched over a valid one; a value of undefined removes the field. */
export function chat(patch: Readonly<Record<string, unknown>>): (rig: BadInputRig) => Buffer {
	const body = JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "hi" }], ...patch });
	return (rig) => post(rig, CHAT_PATH, body);
}

/** A chat request of exactly this text. */
export function chatText(
	text: string | Uint8Array,
	headers: Readonly<Record<string, string | null>> = {},
): (rig: BadInputRig) => Buffer {
	return (rig) => post(rig, CHAT_PATH, text, headers);
}

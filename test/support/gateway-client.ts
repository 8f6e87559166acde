/** An answer, read whole. */
export interface Answer {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	/** The parsed body. Throws when it is not JSON. */
	json<T = Record<string, unknown>>(): T;
	/** `error` of the body, or undefined. */
	error(): ErrorFields | undefined;
}

export interface ErrorFields {
	readonly type: string;
	readonly message: string;
	readonly code: string | null;
	readonly param: string | null;
	readonly kind?: string;
	readonly retry_after_seconds?: number;
}

export interface MintedKey {
	readonly id: string;
	/** The secret. */
	readonly key: string;
}

export interface GatewayClient {
	readonly url: string;
	readonly masterKey: string;
	/** `/admin/…` with the master key. */
	admin(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
	/** A new virtual key. Fails the test when the gateway refuses. */
	mint(settings?: Readonly<Record<string, unknown>>): Promise<MintedKey>;
	/** POST of JSON (or of the given text) with a virtual key. */
	post(path: string, key: string, body: unknown, init?: RequestInit): Promise<Answer>;
	/** The same, body unread: for streams. */
	open(path: string, key: string, body: unknown, init?: RequestInit): Promise<Response>;
	get(path: string, key?: string): Promise<Answer>;
}

/** The HTTP client of the tests: what an app or an administrator would send. */
export function createGatewayClient(url: string, masterKey: string): GatewayClient {
	const open = (path: string, key: string, body: unknown, init: RequestInit = {}) =>
		fetch(`${url}${path}`, {
			...init,
			method: "POST",
			headers: {
				authorization: `Bearer ${key}`,
				"content-type": "application/json",
				// A plain object in every call of these tests.
				...(init.headers as Record<string, string> | undefined),
			},
			body: typeof body === "string" ? body : JSON.stringify(body),
		});
	const admin: GatewayClient["admin"] = async (method, path, body, headers) => {
		const response = await fetch(`${url}/admin${path}`, {
			method,
			headers: {
				authorization: `Bearer ${masterKey}`,
				...(body === undefined ? {} : { "content-type": "application/json" }),
				...headers,
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		return readAnswer(response);
	};
	return {
		url,
		masterKey,
		admin,
		mint: async (settings = {}) => {
			const answer = await admin("POST", "/keys", { name: "test", ...settings });
			const { id, key } = answer.status < 300 ? answer.json<{ id?: string; key?: string }>() : {};
			if (id === undefined || key === undefined) {
				throw new Error(`POST /admin/keys answered ${answer.status}: ${answer.text.slice(0, 500)}`);
			}
			return { id, key };
		},
		post: async (path, key, body, init) => readAnswer(await open(path, key, body, init)),
		open,
		get: async (path, key) =>
			readAnswer(
				await fetch(`${url}${path}`, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } }),
			),
	};
}

async function readAnswer(response: Response): Promise<Answer> {
	const text = await response.text();
	return {
		status: response.status,
		headers: response.headers,
		text,
		json: <T>() => parse<T>(text, response.status),
		error: () => {
			try {
				return parse<{ error?: ErrorFields }>(text, response.status).error;
			} catch {
				// Not JSON: there is no error object, which the caller's assertion will say.
				return undefined;
			}
		},
	};
}

function parse<T>(text: string, status: number): T {
	try {
		// The caller names the shape it expects and asserts on it.
		return JSON.parse(text) as T;
	} catch (cause) {
		throw new Error(`answer ${status} is not JSON: ${text.slice(0, 300)}`, { cause });
	}
}

/** The smallest chat request. */
export function chatBody(model: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
	return { model, messages: [{ role: "user", content: "Say hello." }], ...more };
}

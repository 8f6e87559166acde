import { join } from "node:path";
import { MASTER_KEY_FILE } from "../keys/kept-master-key.ts";
import { isJsonObject, type JsonObject } from "../lib/json-types.ts";
import { CommandFailure, UsageError } from "./failures.ts";
import type { CliIo } from "./types.ts";

const TIMEOUT_MS = 30_000;
const LOCAL_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** A client of the admin API. */
export interface AdminClient {
	/** @throws CommandFailure with the gateway's own message, or saying that it cannot be reached. */
	call(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: JsonObject): Promise<JsonObject>;
}

/**
 * The master key comes from GATEWAY_LLM_MASTER_KEY, else from the data directory of a gateway that generated one;
 * never from an argument, which other users of the machine could read.
 */
export async function openAdminClient(
	io: CliIo,
	{ url, dataDirectory }: { readonly url: string; readonly dataDirectory: string },
): Promise<AdminClient> {
	const base = readUrl(url);
	const masterKey = await findMasterKey(io, dataDirectory);
	if (base.protocol === "http:" && !LOCAL_HOSTS.has(base.hostname)) {
		io.stderr(`gateway-llm keys: warning: the master key travels to ${base.host} unencrypted.\n`);
	}
	return {
		async call(method, path, body) {
			const answer = await send(io, `${base.href.replace(/\/+$/, "")}${path}`, {
				method,
				headers: {
					authorization: `Bearer ${masterKey}`,
					...(body === undefined ? {} : { "content-type": "application/json" }),
				},
				...(body === undefined ? {} : { body: JSON.stringify(body) }),
				// A redirect would carry the master key to wherever it points.
				redirect: "manual",
				signal: AbortSignal.timeout(TIMEOUT_MS),
			});
			return readAnswer(answer, base.host);
		},
	};
}

function readUrl(url: string): URL {
	const base = URL.canParse(url) ? new URL(url) : undefined;
	if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== "" || base.search !== "") {
		throw new UsageError(`--url must be an address such as http://127.0.0.1:8080`);
	}
	return base;
}

async function findMasterKey(io: CliIo, dataDirectory: string): Promise<string> {
	const path = join(dataDirectory, MASTER_KEY_FILE);
	const key = io.env.GATEWAY_LLM_MASTER_KEY?.trim() || (await readText(path)).trim();
	if (key === "") {
		throw new CommandFailure(
			`no master key: set GATEWAY_LLM_MASTER_KEY, or name the gateway's data directory with --data (no ${path}).`,
		);
	}
	// Checked here because the error of a header that cannot be sent would quote the key.
	if (!/^[\x21-\x7e]+$/.test(key)) {
		throw new CommandFailure("the master key holds characters that no master key has.");
	}
	return key;
}

async function readText(path: string): Promise<string> {
	const file = Bun.file(path);
	return (await file.exists()) ? file.text() : "";
}

async function send(io: CliIo, url: string, init: RequestInit): Promise<Response> {
	try {
		return await io.fetch(url, init);
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new CommandFailure(`cannot reach ${url}: ${reason}\nIs the gateway running there? Name another with --url.`);
	}
}

async function readAnswer(answer: Response, host: string): Promise<JsonObject> {
	const body: unknown = await answer.json().catch(() => undefined);
	if (isJsonObject(body)) {
		if (answer.ok) {
			return body;
		}
		if (isJsonObject(body.error) && typeof body.error.message === "string") {
			throw new CommandFailure(`${body.error.message} (${answer.status})`);
		}
	}
	throw new CommandFailure(`${host} does not answer like a gateway (status ${answer.status}).`);
}

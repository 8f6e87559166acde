import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { refusalReason } from "./refusals.ts";

const SECURE = new Set(["rediss:", "valkeys:", "redis+tls:"]);
const PLAIN = new Set(["redis:", "valkey:"]);
const PORT = 6379;
const PATIENCE_MS = 1_000;
const NO_ANSWER = "Redis does not answer";

/** Why an address can be no Redis at all, in words for an operator, who finds nothing secret in them. undefined = it can. */
export function addressProblem(url: string): string | undefined {
	if (!URL.canParse(url)) {
		return "redis.url is no URL";
	}
	const { protocol, hostname } = new URL(url);
	if (!SECURE.has(protocol) && !PLAIN.has(protocol)) {
		return "redis.url must begin with redis:// or rediss://";
	}
	return hostname === "" ? "redis.url names no host" : undefined;
}

/**
 * Why a connection fails, in words for an operator. Bun's client says "Connection closed" whatever the reason is, so that
 * one more connection is made, and what the server says to its password and its database is read.
 */
export function whyUnreachable(url: string): Promise<string> {
	const { protocol, hostname, port, username, password, pathname } = new URL(url);
	const host = hostname.replace(/^\[(.*)\]$/, "$1");
	const place = { host, port: port === "" ? PORT : Number(port) };
	const isSecure = SECURE.has(protocol);
	const commands = [
		...(password === "" ? [] : [["AUTH", ...(username === "" ? [] : [username]), password].map(decodeURIComponent)]),
		...(pathname.length > 1 ? [["SELECT", pathname.slice(1)]] : []),
		["PING"],
	];
	return new Promise((resolve) => {
		const socket: Socket = isSecure
			? connectTls(isIP(host) ? place : { ...place, servername: host })
			: connectTcp(place);
		let heard = "";
		function end(reason: string) {
			clearTimeout(timer);
			socket.destroy();
			resolve(reason);
		}
		const timer = setTimeout(() => end(NO_ANSWER), PATIENCE_MS);
		socket.on("error", (error: Error & { code?: string }) => end(networkReason(error.code, isSecure)));
		socket.on("close", () => end(isSecure ? NO_ANSWER : "Redis closes the connection (a port that expects TLS?)"));
		socket.on(isSecure ? "secureConnect" : "connect", () => {
			socket.write(commands.map(encode).join(""));
		});
		socket.on("data", (chunk: Buffer) => {
			heard += chunk.toString("latin1");
			const lines = heard.split("\r\n").slice(0, -1);
			const refused = lines.find((line) => line.startsWith("-"));
			if (refused !== undefined) {
				end(refusalReason(refused) ?? `Redis refuses the connection (${firstWord(refused)})`);
			} else if (lines.length >= commands.length) {
				end(NO_ANSWER);
			}
		});
	});
}

function networkReason(code: string | undefined, isSecure: boolean): string {
	switch (code) {
		case "ECONNREFUSED":
			return "nothing listens at the address of redis.url";
		case "ENOTFOUND":
		case "EAI_AGAIN":
			return "the host of redis.url is not known";
		default:
			return isSecure
				? `no TLS connection to Redis (${code ?? "unknown error"})`
				: `no connection to Redis (${code ?? "unknown error"})`;
	}
}

/** Never the whole line: a server that is no Redis may repeat what it was sent. */
function firstWord(line: string): string {
	return /^-([A-Z]{2,16})\b/.exec(line)?.[1] ?? "unknown error";
}

/** @see https://redis.io/docs/latest/develop/reference/protocol-spec/ */
function encode(words: readonly string[]): string {
	return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

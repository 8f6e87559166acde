import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Surroundings } from "../../src/transport/pinned-address.ts";
import { makeIdentity } from "./certificates.ts";

/** The name that the server's certificate is for. */
export const MEDIA_HOST = "media.example.com";

/** A request as the server received it. */
export interface MediaRequest {
	readonly path: string;
	/** As the client greeted the server, before any request. */
	readonly serverName: string | undefined;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export type MediaAnswer = (response: ServerResponse, request: IncomingMessage) => void;

/** A web server on loopback, and a world in which its name has a public address. */
export interface MediaServer extends AsyncDisposable {
	readonly port: number;
	readonly surroundings: Surroundings;
	readonly requests: readonly MediaRequest[];
	/** Names that were asked for, in order. */
	readonly resolved: readonly string[];
	openConnections(): number;
	/** The address of a path; `host` other than its own where a test is about that. */
	url(path: string, host?: string): string;
	/** What the server says at a path. Elsewhere it says 404. */
	at(path: string, answer: MediaAnswer): void;
	/** What a name stands for. Unknown names do not exist. */
	name(host: string, answer: () => Promise<readonly string[]> | readonly string[]): void;
}

/** On loopback this one is not public: the world of the tests has an inside too. */
export const INSIDE = "127.0.0.2";

export async function startMediaServer(): Promise<MediaServer> {
	const identity = makeIdentity(MEDIA_HOST);
	const answers = new Map<string, MediaAnswer>();
	const names = new Map<string, () => Promise<readonly string[]> | readonly string[]>([
		[MEDIA_HOST, () => ["127.0.0.1"]],
	]);
	const requests: MediaRequest[] = [];
	const resolved: string[] = [];
	let open = 0;
	const server = createServer(identity, (request, response) => {
		const path = request.url ?? "";
		// Of a TLS connection, which Node's types do not tell from others here.
		const { servername } = request.socket as { readonly servername?: string };
		requests.push({ path, serverName: servername, headers: request.headers });
		const answer = answers.get(path);
		if (answer === undefined) {
			response.writeHead(404).end("not here");
		} else {
			answer(response, request);
		}
	});
	server.on("connection", (socket) => {
		open += 1;
		socket.on("close", () => {
			open -= 1;
		});
	});
	await new Promise<void>((resolve) => {
		server.listen(0, "127.0.0.1", resolve);
	});
	// A TCP server's address is always the object form.
	const { port } = server.address() as AddressInfo;
	return {
		port,
		surroundings: {
			async resolve(host) {
				resolved.push(host);
				const answer = names.get(host);
				if (answer === undefined) {
					throw new Error("ENOTFOUND");
				}
				return answer();
			},
			isPublic: (address) => address === "127.0.0.1" || address === "127.0.0.3",
			ports: new Set([String(port)]),
			ca: identity.cert,
		},
		requests,
		resolved,
		openConnections: () => open,
		url: (path, host = MEDIA_HOST) => `https://${host}:${port}${path}`,
		at: (path, answer) => {
			answers.set(path, answer);
		},
		name: (host, answer) => {
			names.set(host, answer);
		},
		[Symbol.asyncDispose]: async () => {
			server.closeAllConnections();
			await new Promise<void>((resolve) => {
				server.close(() => resolve());
			});
		},
	};
}

/** A whole file. */
export function file(type: string | undefined, bytes: Uint8Array | string): MediaAnswer {
	return (response) => {
		response.writeHead(200, type === undefined ? {} : { "content-type": type }).end(bytes);
	};
}

/** The smallest of their kinds that a reader would believe. */
export const PNG = Buffer.from(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
	"base64",
);
export const JPEG = Buffer.from("ffd8ffe000104a46494600010100000100010000ffd9", "hex");
export const GIF = Buffer.from("GIF89a\x01\x00\x01\x00\x00\x00\x00;", "latin1");
export const WEBP = Buffer.from("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00", "latin1");
export const PDF = Buffer.from("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n");

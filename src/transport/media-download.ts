import type { Deadlines } from "../lib/deadlines.ts";
import { MediaProblem } from "./media-problem.ts";
import { isAcceptable, type MediaPlace, type TypedMedia, typedMedia } from "./media-type.ts";
import { checkedAddresses, pinned, readAddress, type Surroundings } from "./pinned-address.ts";
import { transportFailure } from "./transport-failure.ts";
import { discard } from "./upstream.ts";

/** Something to fetch. */
export interface WantedMedia {
	readonly url: string;
	readonly place: MediaPlace;
	/** The file's name, where the request gives one. */
	readonly name: string | undefined;
	/** In how many places of the request it stands: that often it will be held and sent. */
	readonly times: number;
}

export interface DownloadContext {
	readonly surroundings: Surroundings;
	readonly deadlines: Deadlines;
	/** Aborted with a MediaProblem. */
	readonly signal: AbortSignal;
	/** The largest file, bytes. */
	readonly bytesMax: number;
	/** How long one of several addresses of a name may take to answer (milliseconds). */
	readonly answerMs: number;
	/** Counts bytes as they come. Throws when a request has had too many. */
	take(bytes: number): void;
	/** Work that an abort does not end. */
	goesOn(work: Promise<unknown>): void;
}

const REDIRECTS_MAX = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const USER_AGENT = "gateway-llm";
const ACCEPT: Readonly<Record<MediaPlace, string>> = {
	image: "image/*,application/pdf",
	file: "image/*,application/pdf,text/*,*/*;q=0.1",
};

/** Fetches one file from the public Internet, and says what it is. @throws MediaProblem, and nothing else. */
export async function download(wanted: WantedMedia, context: DownloadContext): Promise<TypedMedia> {
	let url = readAddress(wanted.url, undefined, context.surroundings);
	for (let redirects = 0; ; redirects += 1) {
		const answer = await open(url, wanted.place, context);
		if (!REDIRECTS.has(answer.status)) {
			return await receive(answer, url, wanted, context);
		}
		discard(answer.body);
		const location = answer.headers.get("location");
		if (location === null || redirects === REDIRECTS_MAX) {
			throw new MediaProblem("redirects");
		}
		// Where somebody else sends us is checked like where the client did.
		url = readAddress(location, url, context.surroundings);
	}
}

/** Asks the addresses of a host one after the other until one answers. */
async function open(url: URL, place: MediaPlace, context: DownloadContext): Promise<Response> {
	const host = url.hostname.replace(/\.$/, "");
	const addresses = await untilAborted(addressesOf(host, context), context.signal);
	let problem = new MediaProblem("network");
	for (const [index, address] of addresses.entries()) {
		const isLast = index === addresses.length - 1;
		try {
			return await ask(url, host, address, place, isLast, context);
		} catch (error) {
			problem = problemOf(error, context.signal);
			if (context.signal.aborted) {
				break;
			}
		}
	}
	throw problem;
}

/** A number needs no resolving: `readAddress` has checked it, but it is checked like any other. */
function addressesOf(host: string, { surroundings, goesOn }: DownloadContext): Promise<readonly string[]> {
	const isNumber = host.startsWith("[") || /^[\d.]+$/.test(host);
	const checked = checkedAddresses(
		host,
		isNumber ? { ...surroundings, resolve: async () => [host.replaceAll(/[[\]]/g, "")] } : surroundings,
	);
	goesOn(checked);
	return checked;
}

/** Rejects as soon as the signal says so, whatever becomes of the promise. */
function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
	return new Promise((resolve, reject) => {
		const giveUp = () => reject(signal.reason);
		if (signal.aborted) {
			giveUp();
		}
		signal.addEventListener("abort", giveUp, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
	});
}

/**
 * One request to one address. Bun connects to the number in the URL and asks nobody for it; with `tls.serverName` it
 * greets the server by its name and verifies the certificate for that name (1.4.5; test/unit/transport/fetch-media.test.ts
 * notices if that changes). Nothing of the client's request goes along. Proxies of the environment are passed by: the
 * checked address must be the one that is connected to.
 */
async function ask(
	url: URL,
	host: string,
	address: string,
	place: MediaPlace,
	isLast: boolean,
	{ signal, deadlines, answerMs, surroundings }: DownloadContext,
): Promise<Response> {
	const controller = new AbortController();
	const giveUp = () => controller.abort(signal.reason);
	signal.addEventListener("abort", giveUp, { once: true });
	const deadline = isLast ? undefined : deadlines.after(answerMs, () => controller.abort(new MediaProblem("timeout")));
	const isName = host !== address && host !== `[${address}]`;
	try {
		if (signal.aborted) {
			giveUp();
		}
		return await fetch(pinned(url, address), {
			headers: {
				host: url.port === "" ? host : `${host}:${url.port}`,
				"user-agent": USER_AGENT,
				accept: ACCEPT[place],
				"accept-encoding": "identity",
			},
			redirect: "manual",
			signal: controller.signal,
			// The rest are Bun's extensions. A connection is used once: pooled ones are kept by number, not by name.
			keepalive: false,
			decompress: false,
			proxy: false,
			timeout: false,
			tls: {
				rejectUnauthorized: true,
				...(isName ? { serverName: host } : {}),
				...(surroundings.ca === undefined ? {} : { ca: surroundings.ca }),
			},
		} as unknown as RequestInit);
	} finally {
		// The body is still to come: from here on only the request's own signal may end it.
		deadline?.clear();
		if (controller.signal.aborted) {
			signal.removeEventListener("abort", giveUp);
		}
	}
}

async function receive(
	answer: Response,
	url: URL,
	{ place, name }: WantedMedia,
	context: DownloadContext,
): Promise<TypedMedia> {
	const { headers, body, status } = answer;
	const contentType = headers.get("content-type");
	const fault =
		status !== 200
			? "status"
			: !isAcceptable(contentType, place)
				? "type"
				: (headers.get("content-encoding") ?? "identity").toLowerCase() !== "identity"
					? "encoding"
					: Number(headers.get("content-length") ?? 0) > context.bytesMax
						? "size"
						: undefined;
	if (fault !== undefined) {
		discard(body);
		throw new MediaProblem(fault, { status });
	}
	const bytes = await readBody(body, context);
	const media = typedMedia(bytes, contentType, place, name ?? decodedPath(url));
	if (media === undefined) {
		throw new MediaProblem("type");
	}
	return media;
}

function decodedPath({ pathname }: URL): string {
	try {
		return decodeURIComponent(pathname);
	} catch {
		return pathname;
	}
}

/** What a server says of the length is not believed: bytes are counted as they come. */
async function readBody(body: ReadableStream<Uint8Array> | null, context: DownloadContext): Promise<Uint8Array> {
	const chunks: Uint8Array[] = [];
	let length = 0;
	const reader = body?.getReader();
	try {
		for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
			length += next.value.length;
			if (length > context.bytesMax) {
				throw new MediaProblem("size");
			}
			context.take(next.value.length);
			chunks.push(next.value);
		}
	} catch (error) {
		reader?.cancel().catch(() => {
			// The connection is gone already: nothing is left to give up.
		});
		throw problemOf(error, context.signal);
	}
	return Buffer.concat(chunks, length);
}

function problemOf(error: unknown, signal: AbortSignal): MediaProblem {
	if (signal.aborted && signal.reason instanceof MediaProblem) {
		return signal.reason;
	}
	if (error instanceof MediaProblem) {
		return error;
	}
	return new MediaProblem(transportFailure(error).class === "tls" ? "tls" : "network");
}

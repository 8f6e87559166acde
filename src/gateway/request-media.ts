import { badRequest, GatewayError } from "../lib/errors.ts";
import { MEDIA_BOUNDS } from "../transport/fetch-media.ts";
import type { WantedMedia } from "../transport/media-download.ts";
import { MediaProblem } from "../transport/media-problem.ts";
import type { TypedMedia } from "../transport/media-type.ts";
import { inlineMedia, type MediaReference, mediaReferences } from "./inline-media.ts";
import type { GatewayDeps, ParsedBody, Planned, Received } from "./types.ts";

/**
 * The request with its media inside, for a provider that fetches nothing; undefined: there is nothing to fetch.
 * Rejects with GatewayError 400 naming the field, or 503 where the gateway is fetching too much already.
 */
export type RequestMedia = () => Promise<Pick<Planned, "body" | "envelope">> | undefined;

/** Fetches what a request names by address: on the first call, and only once however many attempts need it. */
export function requestMedia(received: Received, deps: GatewayDeps): RequestMedia {
	let inlined: { readonly promise: ReturnType<RequestMedia> } | undefined;

	function begin(): ReturnType<RequestMedia> {
		const { body } = received;
		if (body.kind !== "json" || !deps.config.current().server.fetchMedia) {
			return undefined;
		}
		const references = mediaReferences(body.json);
		return references.length === 0 ? undefined : fetchInto(body, references, received, deps);
	}
	return () => {
		inlined ??= { promise: begin() };
		return inlined.promise;
	};
}

type JsonBody = Extract<ParsedBody, { readonly kind: "json" }>;

/** A reference as it is fetched, and where it stands first. */
type Wanted = MediaReference & WantedMedia;

async function fetchInto(
	body: JsonBody,
	references: readonly MediaReference[],
	received: Received,
	deps: GatewayDeps,
): Promise<Pick<Planned, "body" | "envelope">> {
	// The same picture in many turns is fetched once.
	const wanted = new Map<string, Wanted>();
	for (const reference of references) {
		const key = keyOf(reference);
		const earlier = wanted.get(key);
		wanted.set(key, earlier === undefined ? { ...reference, times: 1 } : { ...earlier, times: earlier.times + 1 });
	}
	const fetched = await fetchAll([...wanted.values()], received, deps);
	const media = new Map([...wanted.keys()].map((key, index) => [key, fetched[index]]));
	const inlined = { ...body, json: inlineMedia(body.json, (reference) => media.get(keyOf(reference))) };
	// A picture costs at most what it did unseen; how long a document is shows only now.
	const isLonger = references.some(({ place }) => place === "file");
	return { body: inlined, envelope: isLonger ? received.ingress.readEnvelope(inlined) : received.envelope };
}

function keyOf({ place, url, name }: MediaReference): string {
	return JSON.stringify([place, url, name]);
}

async function fetchAll(
	wanted: readonly Wanted[],
	{ scope }: Received,
	{ runtime }: GatewayDeps,
): Promise<readonly TypedMedia[]> {
	const { clock, logger } = runtime;
	const controller = new AbortController();
	scope.onLeave(() => controller.abort());
	const startedAtMs = clock.monotonic();
	try {
		const { media, release } = await runtime.fetchMedia(wanted, controller.signal);
		scope.onFinish(release);
		logger.info("media_fetched", {
			requestId: scope.requestId,
			hosts: [...new Set(wanted.map(hostOf))].join(" "),
			files: media.length,
			bytes: media.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
			durationMs: Math.round(clock.monotonic() - startedAtMs),
		});
		return media;
	} catch (error) {
		if (!(error instanceof MediaProblem)) {
			throw error;
		}
		const first = wanted[error.index ?? 0];
		logger.info("media_not_fetched", {
			requestId: scope.requestId,
			host: first && hostOf(first),
			fault: error.fault,
			status: error.status,
		});
		throw refusal(error, first);
	}
}

/** Of an address the log gets this and no more: paths and queries hold secrets. */
function hostOf({ url }: MediaReference): string {
	return URL.parse(url)?.hostname ?? "";
}

const megabytes = (bytes: number) => `${Math.floor(bytes / 1_048_576)} MB`;

/** In words that tell a client what to do, and nothing of the network the gateway stands in. */
function refusal(problem: MediaProblem, reference: MediaReference | undefined): GatewayError {
	if (problem.fault === "busy") {
		return new GatewayError({
			status: 503,
			type: "service_unavailable",
			message: "The gateway is fetching as many files as it can. Try again, or send the data itself as a data URL.",
			code: "media_busy",
			retryAfterSeconds: 1,
		});
	}
	const param = reference?.param ?? "messages";
	const code = reference?.place === "file" ? "invalid_file_url" : "invalid_image_url";
	return badRequest(`${wordsOf(problem, param)} Or send the data itself as a data URL (base64).`, param, code);
}

/** What is private, does not exist, or does not answer is told in the same words: they must not map a network. */
function wordsOf({ fault, status }: MediaProblem, param: string): string {
	switch (fault) {
		case "address":
			return `The address in '${param}' must be https, without a user name and without a port.`;
		case "status":
			return `The server of the address in '${param}' answered with status ${status}. Check the address.`;
		case "type":
		case "encoding":
			return `What is at the address in '${param}' is not of a kind that can be passed on: use PNG, JPEG, GIF or WebP, or in a file part also PDF, text or an Office document.`;
		case "size":
			return `The file at the address in '${param}' is larger than ${megabytes(MEDIA_BOUNDS.bytesMax)}. Use a smaller one.`;
		case "total_size":
			return `The files that this request names by address are larger than ${megabytes(MEDIA_BOUNDS.requestBytesMax)} together. Use fewer or smaller ones.`;
		case "too_many":
			return `The request names more than ${MEDIA_BOUNDS.addressesMax} files by address. Use fewer.`;
		default:
			return `The address in '${param}' could not be fetched. Use one that is public and answers quickly.`;
	}
}

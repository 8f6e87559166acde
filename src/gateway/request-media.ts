import { badRequest, GatewayError } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json-types.ts";
import { MEDIA_BOUNDS } from "../transport/fetch-media.ts";
import { MediaProblem } from "../transport/media-problem.ts";
import type { TypedMedia } from "../transport/media-type.ts";
import { inlineMedia, type MediaReference, mediaReferences } from "./inline-media.ts";
import type { GatewayDeps, Planned, Received } from "./types.ts";

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
		return references.length === 0 ? undefined : fetchInto(body.json, references, received, deps);
	}
	return () => {
		inlined ??= { promise: begin() };
		return inlined.promise;
	};
}

async function fetchInto(
	json: JsonObject,
	references: readonly MediaReference[],
	received: Received,
	deps: GatewayDeps,
): Promise<Pick<Planned, "body" | "envelope">> {
	const { body, envelope, ingress } = received;
	// The same picture in two turns is fetched once; the first place that names it stands for all.
	const distinct = new Map<string, MediaReference>();
	for (const reference of references) {
		const key = keyOf(reference);
		distinct.set(key, distinct.get(key) ?? reference);
	}
	const fetched = await fetchAll([...distinct.values()], received, deps);
	const media = new Map([...distinct.keys()].map((key, index) => [key, fetched[index]]));
	const inlined = { ...body, kind: "json", json: inlineMedia(json, (one) => media.get(keyOf(one))) } as typeof body;
	// A picture costs at most what it did unseen; how long a document is shows only now.
	const isLonger = references.some(({ place }) => place === "file");
	return { body: inlined, envelope: isLonger ? ingress.readEnvelope(inlined) : envelope };
}

function keyOf({ place, url, name }: MediaReference): string {
	return JSON.stringify([place, url, name]);
}

async function fetchAll(
	references: readonly MediaReference[],
	{ scope }: Received,
	{ runtime }: GatewayDeps,
): Promise<readonly TypedMedia[]> {
	const { clock, logger } = runtime;
	const controller = new AbortController();
	scope.onLeave(() => controller.abort());
	const startedAtMs = clock.monotonic();
	try {
		const { media, release } = await runtime.fetchMedia(references, controller.signal);
		scope.onFinish(release);
		logger.info("media_fetched", {
			requestId: scope.requestId,
			hosts: [...new Set(references.map(hostOf))].join(" "),
			files: media.length,
			bytes: media.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
			durationMs: Math.round(clock.monotonic() - startedAtMs),
		});
		return media;
	} catch (error) {
		if (!(error instanceof MediaProblem)) {
			throw error;
		}
		const reference = references[error.index ?? 0];
		logger.info("media_not_fetched", {
			requestId: scope.requestId,
			host: reference && hostOf(reference),
			fault: error.fault,
			status: error.status,
		});
		throw refusal(error, reference);
	}
}

/** Of an address the log gets this and no more: paths and queries hold secrets. */
function hostOf({ url }: MediaReference): string {
	return URL.parse(url)?.hostname ?? "";
}

const MEGABYTES = (bytes: number) => `${Math.floor(bytes / 1_048_576)} MB`;

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
			return `The file at the address in '${param}' is larger than ${MEGABYTES(MEDIA_BOUNDS.bytesMax)}. Use a smaller one.`;
		case "total_size":
			return `The files that this request names by address are larger than ${MEGABYTES(MEDIA_BOUNDS.requestBytesMax)} together. Use fewer or smaller ones.`;
		case "too_many":
			return `The request names more than ${MEDIA_BOUNDS.addressesMax} files by address. Use fewer.`;
		default:
			return `The address in '${param}' could not be fetched. Use one that is public and answers quickly.`;
	}
}

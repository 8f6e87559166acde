import { lookup } from "node:dns/promises";
import type { Deadlines } from "../lib/deadlines.ts";
import { isPrivateHost } from "../lib/private-address.ts";
import { createTurnstile } from "../lib/turnstile.ts";
import { type DownloadContext, download, type WantedMedia } from "./media-download.ts";
import { MediaProblem } from "./media-problem.ts";
import type { TypedMedia } from "./media-type.ts";
import type { Surroundings } from "./pinned-address.ts";

/** What fetching may cost at most. Bytes and milliseconds. */
export interface MediaBounds {
	/** One file. */
	readonly bytesMax: number;
	/** All files of one request, each as often as the request names it. */
	readonly requestBytesMax: number;
	readonly addressesMax: number;
	/** Until the last byte of the last file, waiting in line included. */
	readonly totalMs: number;
	/** Until the answer of one of several addresses of a name. */
	readonly answerMs: number;
	/** At a time, for one request. */
	readonly requestPlaces: number;
	/** At a time, for the process: media must not use up its sockets. */
	readonly places: number;
	/** What requests in flight hold of them, for the process: small requests must not make it run out of memory. */
	readonly heldBytesMax: number;
}

const MEBIBYTE = 1_048_576;

export const MEDIA_BOUNDS: MediaBounds = {
	bytesMax: 20 * MEBIBYTE,
	requestBytesMax: 50 * MEBIBYTE,
	addressesMax: 20,
	totalMs: 10_000,
	answerMs: 3_000,
	requestPlaces: 4,
	places: 32,
	heldBytesMax: 256 * MEBIBYTE,
};

/** The Internet. */
export const SURROUNDINGS: Surroundings = {
	resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
	isPublic: (address) => !isPrivateHost(address),
	ports: new Set(),
	ca: undefined,
};

/** The files of one request, in the order they were asked for. */
export interface FetchedMedia {
	readonly media: readonly TypedMedia[];
	/** To be called when nobody holds them any more. Idempotent. */
	release(): void;
}

/**
 * Fetches all media of one request, or rejects with the MediaProblem of the first that cannot be had; nothing is under
 * way any more then.
 */
export type FetchMedia = (wanted: readonly WantedMedia[], signal: AbortSignal) => Promise<FetchedMedia>;

/** The one place that fetches what a client names. */
export function createFetchMedia(parts: {
	readonly deadlines: Deadlines;
	readonly surroundings: Surroundings;
	readonly bounds: MediaBounds;
}): FetchMedia {
	const { deadlines, surroundings, bounds } = parts;
	const turnstile = createTurnstile(bounds.places);
	let heldBytes = 0;

	/** Counts what one request takes. */
	function openAccount() {
		let bytes = 0;
		return {
			take(more: number): void {
				if (bytes + more > bounds.requestBytesMax) {
					throw new MediaProblem("total_size");
				}
				if (heldBytes + more > bounds.heldBytesMax) {
					throw new MediaProblem("busy");
				}
				bytes += more;
				heldBytes += more;
			},
			release(): void {
				heldBytes -= bytes;
				bytes = 0;
			},
		};
	}

	/** Takes a place until its last work is over: a resolver can be slower than anybody's patience. */
	async function fetchOne(wanted: WantedMedia, index: number, context: Omit<DownloadContext, "goesOn">) {
		const works: Promise<unknown>[] = [];
		const leave = await turnstile.enter(context.signal).catch(() => {
			throw new MediaProblem(faultInLine(context.signal), { index });
		});
		try {
			return await download(wanted, {
				...context,
				take: (bytes) => context.take(bytes * wanted.times),
				goesOn: (work) => works.push(work),
			});
		} catch (error) {
			throw error instanceof MediaProblem ? new MediaProblem(error.fault, { status: error.status, index }) : error;
		} finally {
			Promise.allSettled(works).then(leave, leave);
		}
	}

	return async (wanted, signal) => {
		if (wanted.length > bounds.addressesMax) {
			throw new MediaProblem("too_many", { index: bounds.addressesMax });
		}
		const controller = new AbortController();
		const deadline = deadlines.after(bounds.totalMs, () => controller.abort(new MediaProblem("timeout")));
		const giveUp = () => controller.abort(new MediaProblem("left"));
		signal.addEventListener("abort", giveUp, { once: true });
		if (signal.aborted) {
			giveUp();
		}
		const account = openAccount();
		const context = { ...bounds, surroundings, deadlines, signal: controller.signal, take: account.take };
		try {
			const media = await inTurns(wanted, bounds.requestPlaces, (one, index) =>
				fetchOne(one, index, context).catch((error: unknown) => {
					giveUp();
					throw error;
				}),
			);
			return { media, release: account.release };
		} catch (error) {
			account.release();
			throw error;
		} finally {
			deadline.clear();
			signal.removeEventListener("abort", giveUp);
		}
	};
}

/** Who waits in line until time is up has done nothing wrong. */
function faultInLine({ reason }: AbortSignal): MediaProblem["fault"] {
	return reason instanceof MediaProblem && reason.fault === "left" ? "left" : "busy";
}

/** Does work for each, so many at a time. When one fails the rest is not begun, and what is under way is waited for. */
async function inTurns<Item, Result>(
	items: readonly Item[],
	places: number,
	work: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
	const queue = items.entries();
	const results: Result[] = [];
	let failure: { readonly error: unknown } | undefined;

	async function worker(): Promise<void> {
		// One iterator for all workers: each item is given out once.
		for (const [index, item] of queue) {
			if (failure !== undefined) {
				return;
			}
			try {
				results[index] = await work(item, index);
			} catch (error) {
				failure ??= { error };
				return;
			}
		}
	}
	await Promise.all(Array.from({ length: Math.min(places, items.length) }, worker));
	if (failure !== undefined) {
		throw failure.error;
	}
	return results;
}

import { isPrivateHost } from "../lib/private-address.ts";
import { MediaProblem } from "./media-problem.ts";

/** What the world looks like. Tests have one of their own, since all of it is on loopback there. */
export interface Surroundings {
	/** Every address of a name, best first. */
	resolve(host: string): Promise<readonly string[]>;
	isPublic(address: string): boolean;
	/** Ports other than 443 that may be named. */
	readonly ports: ReadonlySet<string>;
	/** Certificates (PEM) to trust in place of the system's; undefined = the system's. */
	readonly ca: string | undefined;
}

const ADDRESS_CHARACTERS_MAX = 8_192;
/** A name with many addresses is not a reason to try them all. */
const ADDRESSES_MAX = 3;

/**
 * Reads an address that a stranger wrote. @throws MediaProblem `address` unless it is https without a user name and on
 * the usual port, `private` where the name alone says that it is not on the Internet.
 */
export function readAddress(text: string, base: URL | undefined, { ports }: Surroundings): URL {
	const url = text.length > ADDRESS_CHARACTERS_MAX ? null : URL.parse(text, base?.href);
	if (
		url === null ||
		url.protocol !== "https:" ||
		url.username !== "" ||
		url.password !== "" ||
		(url.port !== "" && !ports.has(url.port))
	) {
		throw new MediaProblem("address");
	}
	if (isPrivateHost(url.hostname)) {
		throw new MediaProblem("private");
	}
	return url;
}

/**
 * The addresses to connect to, each of them checked. The name must not be resolved again after this: whoever answers for
 * it may give another address the next time. One private address among public ones condemns the name.
 * @throws MediaProblem `dns`, `private`.
 */
export async function checkedAddresses(host: string, { resolve, isPublic }: Surroundings): Promise<readonly string[]> {
	let addresses: readonly string[];
	try {
		addresses = await resolve(host);
	} catch {
		throw new MediaProblem("dns");
	}
	if (addresses.length === 0) {
		throw new MediaProblem("dns");
	}
	if (!addresses.every(isPublic)) {
		throw new MediaProblem("private");
	}
	return [...new Set(addresses)].slice(0, ADDRESSES_MAX);
}

/** The same address by number, as a URL writes it. */
export function pinned(url: URL, address: string): string {
	const host = address.includes(":") ? `[${address}]` : address;
	return `https://${host}${url.port === "" ? "" : `:${url.port}`}${url.pathname}${url.search}`;
}

import { monotonicFactory, ulid } from "ulid";

const nextRequestUlid = monotonicFactory();

/** Prefixes of the identifiers a user may see. Never secrets. */
export type IdPrefix = "vk" | "req" | "dep";

/** A new sortable identifier: prefix, underscore, ULID. `vk_01HZ…` */
export function newId(prefix: Exclude<IdPrefix, "req" | "dep">): string {
	return `${prefix}_${ulid()}`;
}

/** A request id. Monotonic within the process, so ledger rows append to their index in order. */
export function newRequestId(): string {
	return `req_${nextRequestUlid()}`;
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** An identifier that is the same for the same parts, on every machine and after every restart. */
export function derivedId(prefix: "dep", parts: readonly string[]): string {
	const digest = new Bun.CryptoHasher("sha256").update(JSON.stringify(parts)).digest();
	let text = "";
	for (let index = 0; index < 26; index += 1) {
		text += CROCKFORD[(digest[index] ?? 0) & 31];
	}
	return `${prefix}_${text}`;
}

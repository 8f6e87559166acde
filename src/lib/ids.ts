import { monotonicFactory } from "ulid";

/** Random numbers are asked for by the thousand: one at a time each would be a call into the operating system's source. */
const pool = new Uint32Array(1024);
let taken = pool.length;

function pooledRandom(): number {
	if (taken === pool.length) {
		crypto.getRandomValues(pool);
		taken = 0;
	}
	const number = pool[taken] ?? 0;
	taken += 1;
	return number / 2 ** 32;
}

const nextUlid = monotonicFactory(pooledRandom);

/** A new sortable identifier: prefix, underscore, ULID. `vk_01HZ…` */
export function newId(prefix: "vk" | "conv" | "ins"): string {
	return `${prefix}_${nextUlid()}`;
}

/** The id of an item of the Responses API. `msg_01HZ…`, `fc_01HZ…` */
export function newItemId(prefix: string): string {
	return `${prefix}_${nextUlid()}`;
}

/** A request id. Ids of one process sort in the order they were made, so ledger rows append to their index. */
export function newRequestId(): string {
	return `req_${nextUlid()}`;
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

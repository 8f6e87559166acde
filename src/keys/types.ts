import type { Strategy } from "../config/types.ts";
import type { JsonObject } from "../lib/json-types.ts";
import type { NanoUsd } from "../lib/money.ts";

/** A virtual key as the gateway knows it. The secret itself is never stored. */
export interface KeyRecord {
	/** `vk_` + ULID. */
	readonly id: string;
	readonly name: string | undefined;
	readonly team: string | undefined;
	/** Aliases the key may use; empty = all. */
	readonly models: readonly string[];
	readonly rpm: number | undefined;
	readonly tpm: number | undefined;
	readonly monthlyBudgetNano: NanoUsd | undefined;
	readonly maxParallelRequests: number | undefined;
	readonly forceStrategy: Strategy | undefined;
	/** Unix milliseconds. */
	readonly expiresAt: number | undefined;
	readonly metadata: JsonObject;
	readonly enabled: boolean;
	readonly createdAt: number;
	readonly lastUsedAt: number | undefined;
	readonly revokedAt: number | undefined;
	/** Prefix and last four characters of the secret, for people. */
	readonly keyHint: string;
}

/** What an administrator may set. */
export type KeySettings = Pick<
	KeyRecord,
	| "name"
	| "team"
	| "models"
	| "rpm"
	| "tpm"
	| "monthlyBudgetNano"
	| "maxParallelRequests"
	| "forceStrategy"
	| "expiresAt"
	| "metadata"
	| "enabled"
>;

export interface KeyPage {
	readonly keys: readonly KeyRecord[];
	/** Pass as `after` for the next page; undefined at the end. */
	readonly nextAfter: string | undefined;
}

export interface KeyListQuery {
	/** Exclusive: the id of the last key of the page before. */
	readonly after: string | undefined;
	/** 1 to 1,000. */
	readonly limit: number;
	readonly team: string | undefined;
	readonly name: string | undefined;
}

/** Virtual keys: minted, looked up at each request, changed and revoked. Revoked keys are not listed and not found by id. */
export interface KeyDirectory {
	/**
	 * The key behind a bearer token. Immediate in process.
	 * @throws GatewayError 401: `invalid_api_key` (unknown, malformed), `key_revoked`, `key_expired`, `key_disabled`.
	 */
	verify(token: string): KeyRecord;
	/** The only time the secret is seen. */
	create(settings: KeySettings): Promise<{ readonly record: KeyRecord; readonly secret: string }>;
	get(id: string): Promise<KeyRecord | undefined>;
	list(query: KeyListQuery): Promise<KeyPage>;
	/** undefined when there is no such key. Takes effect before the promise resolves. */
	update(id: string, settings: Partial<KeySettings>): Promise<KeyRecord | undefined>;
	/** False when there is no such key. No request is accepted once the promise has resolved. */
	revoke(id: string): Promise<boolean>;
	/** Called with the id of each key that stops being valid (revoked or disabled): its streams are to be cut. */
	onRevoked(listener: (keyId: string) => void): void;
}

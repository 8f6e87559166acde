import type { KeyDirectory, KeyRecord } from "../../../src/keys/types.ts";
import type { Clock } from "../../../src/lib/clock.ts";
import { unauthorized } from "../../../src/lib/errors.ts";
import { newId } from "../../../src/lib/ids.ts";

/** Virtual keys in memory, by the contract of the directory: the admin API is tested above it. */
export function createMemoryKeys(clock: Pick<Clock, "now">): KeyDirectory {
	const keys = new Map<string, KeyRecord>();
	const secrets = new Map<string, string>();
	return {
		verify(token) {
			const record = keys.get(secrets.get(token) ?? "");
			if (record === undefined) {
				throw unauthorized("Incorrect API key provided.");
			}
			return record;
		},
		async create(settings) {
			const id = newId("vk");
			const secret = `gw_virt_${crypto.randomUUID().replaceAll("-", "")}`;
			const record = {
				...settings,
				id,
				createdAt: clock.now(),
				lastUsedAt: undefined,
				revokedAt: undefined,
				keyHint: `gw_virt_…${secret.slice(-4)}`,
			};
			keys.set(id, record);
			secrets.set(secret, id);
			return { record, secret };
		},
		get: async (id) => keys.get(id),
		async list({ after, limit, team, name }) {
			const found = [...keys.values()]
				.sort((left, right) => (left.id < right.id ? 1 : -1))
				.filter((record) => after === undefined || record.id < after)
				.filter((record) => team === undefined || record.team === team)
				.filter((record) => name === undefined || record.name === name);
			const page = found.slice(0, limit);
			return { keys: page, nextAfter: found.length > limit ? page.at(-1)?.id : undefined };
		},
		async update(id, settings) {
			const record = keys.get(id);
			if (record === undefined) {
				return undefined;
			}
			const changed = { ...record, ...settings };
			keys.set(id, changed);
			return changed;
		},
		revoke: async (id) => keys.delete(id),
		onRevoked() {},
	};
}

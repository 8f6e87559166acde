import type { z } from "zod";
import { KEY_DEFAULTS } from "../../keys/key-defaults.ts";
import type { KeyDirectory, KeyRecord, KeySettings } from "../../keys/types.ts";
import type { Clock } from "../../lib/clock.ts";
import { badRequest, notFound } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import { formatUsd } from "../../lib/money.ts";
import { keySubject } from "../../limits/subjects.ts";
import { parseInput } from "../input.ts";
import { type LimitUsageDeps, limitUsage } from "../limit-usage.ts";
import {
	type createdKeySchema,
	KEY_ID,
	type KeyCreate,
	keyCreateSchema,
	type keyDeletedSchema,
	type keyDetailSchema,
	type keyListQuerySchema,
	type keyListSchema,
	type keySchema,
	keyUpdateSchema,
} from "./schema.ts";

const PAGE_DEFAULT = 100;

export interface KeyServiceDeps extends LimitUsageDeps {
	readonly keys: KeyDirectory;
	readonly clock: Clock;
}

/**
 * The rules of virtual keys for administrators: strict input, explicit output.
 * Two changes at the same time both apply, field by field; of one field the last write wins.
 * @throws GatewayError 400 naming the field, 404 `key_not_found`.
 */
export function createKeyService({ keys, limiter, budgets, clock }: KeyServiceDeps) {
	function checked(changes: Partial<KeySettings>): Partial<KeySettings> {
		if (changes.expiresAt !== undefined && changes.expiresAt <= clock.now()) {
			throw badRequest("expires_at: must be in the future.", "expires_at");
		}
		return changes;
	}

	return {
		async create(body: JsonObject): Promise<z.output<typeof createdKeySchema>> {
			const settings = { ...KEY_DEFAULTS, ...checked(toChanges(parseInput(keyCreateSchema, body))) };
			const { record, secret } = await keys.create(settings);
			return { ...toApi(record), key: secret };
		},

		async list(query: z.output<typeof keyListQuerySchema>): Promise<z.output<typeof keyListSchema>> {
			const page = await keys.list({
				after: query.after,
				limit: query.limit ?? PAGE_DEFAULT,
				team: query.team,
				name: query.name,
			});
			return {
				object: "list",
				data: page.keys.map(toApi),
				has_more: page.nextAfter !== undefined,
				next_after: page.nextAfter ?? null,
			};
		},

		async inspect(id: string): Promise<z.output<typeof keyDetailSchema>> {
			const record = KEY_ID.test(id) ? await keys.get(id) : undefined;
			if (record === undefined) {
				throw keyNotFound();
			}
			return {
				...toApi(record),
				usage: await limitUsage(keySubject(record), record.monthlyBudgetNano, { limiter, budgets }),
			};
		},

		async update(id: string, body: JsonObject): Promise<z.output<typeof keySchema>> {
			const changes = checked(toChanges(parseInput(keyUpdateSchema, body)));
			const record = KEY_ID.test(id) ? await keys.update(id, changes) : undefined;
			if (record === undefined) {
				throw keyNotFound();
			}
			return toApi(record);
		},

		async revoke(id: string): Promise<z.output<typeof keyDeletedSchema>> {
			if (!KEY_ID.test(id) || !(await keys.revoke(id))) {
				throw keyNotFound();
			}
			limiter.forget(`key:${id}`);
			return { id, deleted: true };
		},
	};
}

/** Only the fields that were sent; null clears. */
function toChanges(input: KeyCreate): Partial<KeySettings> {
	return {
		...(input.name === undefined ? {} : { name: input.name ?? undefined }),
		...(input.team === undefined ? {} : { team: input.team ?? undefined }),
		...(input.models === undefined ? {} : { models: [...new Set(input.models ?? [])] }),
		...(input.rpm === undefined ? {} : { rpm: input.rpm ?? undefined }),
		...(input.tpm === undefined ? {} : { tpm: input.tpm ?? undefined }),
		...(input.monthly_budget_usd === undefined ? {} : { monthlyBudgetNano: input.monthly_budget_usd ?? undefined }),
		...(input.max_parallel_requests === undefined
			? {}
			: { maxParallelRequests: input.max_parallel_requests ?? undefined }),
		...(input.router === undefined ? {} : { forceStrategy: input.router?.force_strategy ?? undefined }),
		...(input.expires_at === undefined ? {} : { expiresAt: input.expires_at ?? undefined }),
		...(input.metadata === undefined ? {} : { metadata: input.metadata ?? {} }),
		...(input.enabled === undefined ? {} : { enabled: input.enabled }),
	};
}

function toApi(record: KeyRecord): z.output<typeof keySchema> {
	return {
		id: record.id,
		name: record.name ?? null,
		team: record.team ?? null,
		models: [...record.models],
		rpm: record.rpm ?? null,
		tpm: record.tpm ?? null,
		monthly_budget_usd: record.monthlyBudgetNano === undefined ? null : Number(formatUsd(record.monthlyBudgetNano)),
		max_parallel_requests: record.maxParallelRequests ?? null,
		router: { force_strategy: record.forceStrategy ?? null },
		expires_at: record.expiresAt === undefined ? null : timestamp(record.expiresAt),
		metadata: record.metadata,
		enabled: record.enabled,
		created_at: timestamp(record.createdAt),
		last_used_at: record.lastUsedAt === undefined ? null : timestamp(record.lastUsedAt),
		key_hint: record.keyHint,
	};
}

function timestamp(atMs: number): string {
	return new Date(atMs).toISOString();
}

function keyNotFound() {
	return notFound("There is no such virtual key.", "key_not_found");
}

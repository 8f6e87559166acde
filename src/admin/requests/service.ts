import type { z } from "zod";
import type { ConfigSource } from "../../config/types.ts";
import { notFound } from "../../lib/errors.ts";
import { formatUsd } from "../../lib/money.ts";
import { completionTokens, promptTokens, type Usage } from "../../lib/usage.ts";
import type { AttemptReader, AttemptRow, UnservedRequest, UnservedStore } from "../../store/types.ts";
import { createToRouting, type ToRouting } from "./routing.ts";
import type { requestAttemptSchema, requestTrailSchema, requestUsageSchema } from "./schema.ts";

/** Longest request id that is looked up. */
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** Who asks: an administrator sees every request, a key its own and those of its team. */
export type Viewer =
	| { readonly kind: "administrator" }
	| { readonly kind: "key"; readonly keyId: string; readonly team: string | undefined };

/** What became of one request, attempt by attempt. */
export type RequestTrail = z.output<typeof requestTrailSchema>;

/** Where trails come from. */
export interface RequestSources {
	readonly attempts: Pick<AttemptReader, "byRequest">;
	readonly unserved: Pick<UnservedStore, "byRequest">;
	readonly config: ConfigSource;
}

/**
 * Reads trails from the ledger. A request of somebody else is as unknown as one that never was.
 * @throws GatewayError 404 `request_not_found`.
 */
export function createRequestService({ attempts, unserved, config }: RequestSources) {
	const toRouting = createToRouting(config);
	return {
		async requestTrail(id: string, viewer: Viewer): Promise<RequestTrail> {
			const rows = REQUEST_ID.test(id) ? [...(await attempts.byRequest(id))] : [];
			rows.sort((left, right) => left.opening.attempt - right.opening.attempt);
			const last = rows.at(-1);
			if (last !== undefined && maySee(viewer, last.opening)) {
				return toTrail(rows, last, toRouting);
			}
			const refused = last === undefined && REQUEST_ID.test(id) ? await unserved.byRequest(id) : undefined;
			if (refused !== undefined && maySee(viewer, refused)) {
				return toUnserved(refused, toRouting);
			}
			throw notFound("There is no such request.", "request_not_found");
		},
	};
}

function maySee(viewer: Viewer, made: { readonly keyId: string; readonly team: string | undefined }): boolean {
	return (
		viewer.kind === "administrator" ||
		made.keyId === viewer.keyId ||
		(viewer.team !== undefined && made.team === viewer.team)
	);
}

function toTrail(rows: readonly AttemptRow[], last: AttemptRow, toRouting: ToRouting): RequestTrail {
	const { opening } = last;
	const settled = rows.every((row) => row.closing !== undefined);
	const cost = rows.reduce((sum, row) => sum + BigInt(row.closing?.costNano ?? 0), 0n);
	return {
		id: opening.requestId,
		object: "request",
		operation: opening.operation,
		model_alias: opening.alias,
		stream: opening.streamed,
		key_id: opening.keyId,
		team: opening.team ?? null,
		status: settled ? (last.closing?.outcome ?? "in_flight") : "in_flight",
		http_status: null,
		error_code: null,
		created_at: timestamp(rows[0]?.openedAtMs ?? last.openedAtMs),
		completed_at: settled && last.settledAtMs !== undefined ? timestamp(last.settledAtMs) : null,
		retries: opening.attempt,
		cost_usd: formatUsd(cost),
		cost_final: settled,
		routing: toRouting(rows.find((row) => row.opening.attempt === 0)?.opening.decision),
		attempts: rows.map(toAttempt),
	};
}

function toUnserved(request: UnservedRequest, toRouting: ToRouting): RequestTrail {
	const atTime = timestamp(request.atMs);
	return {
		id: request.requestId,
		object: "request",
		operation: request.operation,
		model_alias: request.alias,
		stream: request.streamed,
		key_id: request.keyId,
		team: request.team ?? null,
		status: "unserved",
		http_status: request.status,
		error_code: request.code ?? null,
		created_at: atTime,
		completed_at: atTime,
		retries: 0,
		cost_usd: formatUsd(0),
		cost_final: true,
		routing: toRouting(request.decision),
		attempts: [],
	};
}

function toAttempt({ opening, openedAtMs, closing }: AttemptRow): z.output<typeof requestAttemptSchema> {
	return {
		attempt: opening.attempt,
		deployment_id: opening.deploymentId,
		provider: opening.provider,
		model: opening.model,
		status: closing?.outcome ?? "in_flight",
		upstream_status: closing?.upstreamStatus ?? null,
		error_class: closing?.errorClass ?? null,
		started_at: timestamp(openedAtMs),
		ttft_ms: closing?.ttftMs ?? null,
		duration_ms: closing?.durationMs ?? null,
		usage: closing === undefined ? null : toUsage(closing.usage),
		usage_source: closing?.usageSource ?? null,
		price_version: opening.priceVersion ?? null,
		reserved_usd: formatUsd(opening.reservedNano),
		cost_usd: closing === undefined ? null : formatUsd(closing.costNano),
	};
}

function toUsage(usage: Usage): z.output<typeof requestUsageSchema> {
	return {
		prompt_tokens: promptTokens(usage),
		cached_tokens: usage.cacheRead,
		cache_write_tokens: usage.cacheWrite,
		cache_write_1h_tokens: usage.cacheWriteHour,
		completion_tokens: completionTokens(usage),
		reasoning_tokens: usage.reasoning,
		audio_prompt_tokens: usage.audioInput,
		audio_completion_tokens: usage.audioOutput,
		image_prompt_tokens: usage.imageInput,
		image_completion_tokens: usage.imageOutput,
		images: usage.images,
		seconds: usage.seconds,
		characters: usage.characters,
		web_searches: usage.searches,
	};
}

function timestamp(atMs: number): string {
	return new Date(atMs).toISOString();
}

import type { Alias, Deployment } from "../../../src/config/types.ts";
import { NO_USAGE, type Usage } from "../../../src/lib/usage.ts";
import type { AttemptClosing } from "../../../src/metering/ledger-types.ts";
import type { AttemptReader, AttemptRow, DeploymentStateStore, SpendDimension } from "../../../src/store/types.ts";
import { deployment, alias as emptyAlias } from "../routing/fakes.ts";

/** Ledger rows in memory, added up by the contract of the reader. */
export function createMemoryAttempts(rows: readonly AttemptRow[]): AttemptReader {
	const dimension: Readonly<Record<SpendDimension, (row: AttemptRow) => string | undefined>> = {
		key: (row) => row.opening.keyId,
		team: (row) => row.opening.team,
		model: (row) => row.opening.model,
		provider: (row) => row.opening.provider,
		day: (row) => new Date(row.openedAtMs).toISOString().slice(0, 10),
	};
	return {
		spentSince: async () => new Map(),
		ownerOf: async () => undefined,
		recover: async () => [],
		byRequest: async (requestId) => rows.filter((row) => row.opening.requestId === requestId),
		async spend({ fromMs, toMs, groupBy }) {
			const groups = new Map<string, AttemptRow[]>();
			for (const row of rows) {
				if (row.closing !== undefined && row.openedAtMs >= fromMs && row.openedAtMs < toMs) {
					const key = JSON.stringify(groupBy.map((name) => dimension[name](row) ?? null));
					groups.set(key, [...(groups.get(key) ?? []), row]);
				}
			}
			return [...groups.values()].map((members) => ({
				group: Object.fromEntries(groupBy.map((name) => [name, members[0] && dimension[name](members[0])])),
				requests: new Set(members.map((row) => row.opening.requestId)).size,
				errors: members.filter((row) => row.closing?.outcome === "upstream_failed").length,
				usage: members.reduce((sum, row) => addUsage(sum, row.closing?.usage ?? NO_USAGE), NO_USAGE),
				costNano: members.reduce((sum, row) => sum + BigInt(row.closing?.costNano ?? 0), 0n),
				unpricedRequests: new Set(
					members.filter((row) => row.opening.priceVersion === undefined).map((row) => row.opening.requestId),
				).size,
			}));
		},
	};
}

function addUsage(left: Usage, right: Usage): Usage {
	return {
		input: left.input + right.input,
		cacheRead: left.cacheRead + right.cacheRead,
		cacheWrite: left.cacheWrite + right.cacheWrite,
		output: left.output + right.output,
		reasoning: left.reasoning + right.reasoning,
		audioInput: left.audioInput + right.audioInput,
		audioOutput: left.audioOutput + right.audioOutput,
		images: left.images + right.images,
		seconds: left.seconds + right.seconds,
		characters: left.characters + right.characters,
	};
}

export function createMemoryStates(): DeploymentStateStore & { readonly stored: Set<string> } {
	const stored = new Set<string>();
	return {
		stored,
		disabled: async () => new Set(stored),
		async setEnabled(deploymentId, enabled) {
			if (enabled) {
				stored.delete(deploymentId);
			} else {
				stored.add(deploymentId);
			}
		},
	};
}

/** A settled attempt; `closing: undefined` leaves it in flight. */
export function attemptRow(
	opening: Partial<AttemptRow["opening"]>,
	rest: { readonly atMs?: number; readonly closing?: Partial<AttemptClosing> | undefined } = { closing: {} },
): AttemptRow {
	const openedAtMs = rest.atMs ?? Date.UTC(2026, 10, 10);
	const closing: AttemptClosing | undefined = rest.closing && {
		outcome: "ok",
		upstreamStatus: 200,
		errorClass: undefined,
		usage: { ...NO_USAGE, input: 60, output: 150 },
		usageSource: "provider",
		costNano: 99_000,
		ttftMs: 12,
		durationMs: 34,
		objectId: undefined,
		...rest.closing,
	};
	return {
		opening: {
			requestId: "req_01JD0000000000000000000001",
			attempt: 0,
			keyId: "vk_01JD0000000000000000000001",
			team: "shop",
			alias: "smart",
			deploymentId: "dep_a",
			provider: "openai",
			model: "gpt-4o-mini",
			operation: "chat",
			streamed: false,
			reservedNano: 1_000_000,
			priceVersion: "genai-prices@0.1.8",
			...opening,
		},
		openedAtMs,
		closing,
		settledAtMs: closing && openedAtMs + 34,
	};
}

/** An alias of a snapshot with these deployments of it. */
export function aliasOf(name: string, deployments: readonly Partial<Deployment>[]): Alias {
	return emptyAlias(
		name,
		deployments.map((settings, index) => ({ ...deployment(`dep_${name}_${index}`), alias: name, ...settings })),
	);
}

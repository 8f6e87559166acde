import type { Alias, Deployment } from "../../../src/config/types.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import type { AttemptClosing } from "../../../src/metering/ledger-types.ts";
import type { AttemptRow } from "../../../src/store/types.ts";
import { deployment, alias as emptyAlias } from "../routing/fakes.ts";

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

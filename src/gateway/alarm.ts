import type { Deployment } from "../config/types.ts";
import type { Clock } from "../lib/clock.ts";
import { createRecent } from "../lib/recent.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { AttemptFailure } from "./types.ts";

/** Tells the operator of a failing deployment, which a failover hides from everybody else. */
export type Alarm = (deployment: Deployment, failure: AttemptFailure) => void;

/** One line for each deployment and kind of failure in this time: an outage is one piece of news. */
const EVERY_MS = 60_000;
const REMEMBERED_MAX = 5_000;
/** Redacted by the logger, and no essay. */
const DETAIL_LENGTH_MAX = 300;

export function createAlarm({ logger, clock }: { readonly logger: Logger; readonly clock: Clock }): Alarm {
	const toldAtMs = createRecent<number>(REMEMBERED_MAX);
	return ({ id, alias, provider, model }, failure) => {
		const nowMs = clock.monotonic();
		const name = `${id} ${failure.class}`;
		if (nowMs - (toldAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) {
			return;
		}
		toldAtMs.put(name, nowMs);
		logger.warn("deployment_failed", {
			deployment: id,
			alias,
			provider: provider.id,
			model,
			errorClass: failure.class,
			status: failure.status,
			detail: failure.detail.slice(0, DETAIL_LENGTH_MAX),
		});
	};
}

import type { DatabaseSettings } from "./config/types.ts";
import { systemClock } from "./lib/clock.ts";
import { formatUsd } from "./lib/money.ts";
import { createPostgresStore } from "./store/postgres-store.ts";
import { createSqliteStore } from "./store/sqlite-store.ts";
import type { Store, StoreProblem } from "./store/types.ts";
import type { Logger } from "./telemetry/logger.ts";

/**
 * The store that `database.url` names. What a crash left open is settled before anything is served.
 * @throws StoreRefused
 */
export async function openStore(database: DatabaseSettings, dataDirectory: string, logger: Logger): Promise<Store> {
	const onProblem = (problem: StoreProblem) => logProblem(problem, logger);
	const common = { dataDirectory, clock: systemClock, onProblem };
	const store =
		database.kind === "postgres"
			? await createPostgresStore({ ...common, url: database.url, connectionsMax: database.connectionsMax })
			: await createSqliteStore({ ...common, path: database.path });
	await recover(store, logger);
	return store;
}

/** All others are errors. */
const LEVELS: Readonly<Partial<Record<StoreProblem["kind"], "info" | "warn">>> = {
	writes_recovered: "info",
	database_back: "info",
	unserved_not_kept: "warn",
};

function logProblem(problem: StoreProblem, logger: Logger): void {
	const { kind, ...facts } = problem;
	const fields = Object.fromEntries(
		Object.entries(facts).map(([name, value]) => [name, typeof value === "number" ? value : String(value)]),
	);
	logger[LEVELS[kind] ?? "error"](`store_${kind}`, fields);
}

/** Attempts that were under way when the process died are charged at their reservation, once, and named in the log. */
async function recover(store: Store, logger: Logger): Promise<void> {
	for (const { requestId, attempt, costNano } of await store.attempts.recover(systemClock.now())) {
		logger.warn("recovered_attempt", { requestId, attempt, costUsd: formatUsd(costNano) });
	}
}

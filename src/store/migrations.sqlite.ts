import ledger from "./migrations/sqlite/0000_ledger.sql" with { type: "text" };
import usageBuckets from "./migrations/sqlite/0001_usage_buckets.sql" with { type: "text" };
import keptResponses from "./migrations/sqlite/0002_kept_responses.sql" with { type: "text" };
import teams from "./migrations/sqlite/0003_teams.sql" with { type: "text" };
import prunedDays from "./migrations/sqlite/0004_pruned_days.sql" with { type: "text" };
import instances from "./migrations/sqlite/0005_instances.sql" with { type: "text" };
import decisions from "./migrations/sqlite/0006_decisions.sql" with { type: "text" };

/**
 * Every migration in order, as text inside the binary. The schema version of a database is how many it has been through.
 * A test compares this list with the journal that drizzle-kit keeps.
 */
export const SQLITE_MIGRATIONS: readonly string[] = [
	ledger,
	usageBuckets,
	keptResponses,
	teams,
	prunedDays,
	instances,
	decisions,
];

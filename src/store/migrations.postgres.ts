import ledger from "./migrations/postgres/0000_ledger.sql" with { type: "text" };
import usageBuckets from "./migrations/postgres/0001_usage_buckets.sql" with { type: "text" };
import keptResponses from "./migrations/postgres/0002_kept_responses.sql" with { type: "text" };
import teams from "./migrations/postgres/0003_teams.sql" with { type: "text" };
import prunedDays from "./migrations/postgres/0004_pruned_days.sql" with { type: "text" };
import instances from "./migrations/postgres/0005_instances.sql" with { type: "text" };
import decisions from "./migrations/postgres/0006_decisions.sql" with { type: "text" };

/**
 * Every migration in order, as text inside the binary. The schema version of a database is how many it has been through.
 * A test compares this list with the journal that drizzle-kit keeps.
 */
export const POSTGRES_MIGRATIONS: readonly string[] = [
	ledger,
	usageBuckets,
	keptResponses,
	teams,
	prunedDays,
	instances,
	decisions,
];

import type { Membership, RecoveredAttempt } from "../instances/types.ts";
import type { Clock } from "../lib/clock.ts";
import { type Bury, NOW_MS } from "./postgres-bury.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { createSilences, type Sign } from "./silences.ts";

/** Who was seen within this time lives. */
const LIVES_MS = 10_000;
/** Who was not seen for so long is dead. */
const DEAD_MS = 60_000;
/** A beat that waits longer is made up for by the next one. */
const BEAT_MS_MAX = 2_000;

export interface PostgresMembershipDeps {
	readonly pool: PostgresPool;
	readonly instanceId: string;
	readonly clock: Clock;
	readonly bury: Bury;
}

/** The rows of `instances`. Who lives is told by the clock of the database, who is silent by one's own as well. */
export function createPostgresMembership({ pool, instanceId, clock, bury }: PostgresMembershipDeps): Membership {
	const silences = createSilences({ clock, silentMs: DEAD_MS, gapMs: LIVES_MS });
	let startedAt: string | undefined;

	async function query(text: string, parameters: readonly unknown[]): Promise<readonly (readonly unknown[])[]> {
		return pool.run(({ values }) => values(text, parameters), BEAT_MS_MAX);
	}

	async function beat(): Promise<readonly (readonly unknown[])[]> {
		const rows = await query(BEAT, [instanceId]);
		if (rows.length > 0) {
			return rows;
		}
		// Somebody is about to bury it, or was killed over it: that is finished first.
		await bury(instanceId, clock.now(), "wait");
		return query(BEAT, [instanceId]);
	}

	/** Those who are gone, and have left something. */
	async function left(): Promise<readonly string[]> {
		for (const { id, seenAt } of silences.silent()) {
			await query(END_SILENT, [id, seenAt]);
		}
		return (await query(LEFT, [instanceId])).map(([id]) => String(id));
	}

	return {
		async beat() {
			const rows = await beat();
			const started = rows[0]?.[0];
			if (started === undefined) {
				throw new Error("This instance was taken for dead again while it said that it lives.");
			}
			const others = rows.filter(([, id]) => id !== null);
			silences.heard(others.map(([, id, seenAt]): Sign => ({ id: String(id), seenAt: String(seenAt) })));
			const wasTakenForDead = startedAt !== undefined && startedAt !== String(started);
			startedAt = String(started);
			return { instances: 1 + others.filter(([, , , lives]) => lives === true).length, wasTakenForDead };
		},

		async reap(atMs) {
			if (!silences.isWatchful()) {
				return [];
			}
			const recovered: RecoveredAttempt[] = [];
			for (const id of await left()) {
				await query(END_GONE, [id]);
				recovered.push(...(await bury(id, atMs, "skip")));
			}
			return recovered;
		},

		async leave() {
			await query(END, [instanceId]);
			await bury(instanceId, clock.now(), "wait");
		},
	};
}

/** No row: this instance was taken for dead, and is not buried yet. Else a row for each other one, or one with nulls. */
const BEAT = `with me as (
		insert into instances (id, started_at, seen_at) values ($1, ${NOW_MS}, ${NOW_MS})
		on conflict (id) do update set seen_at = excluded.seen_at where instances.ended_at is null
		returning started_at
	)
	select me.started_at::text, other.id, other.seen_at::text, ${NOW_MS} - other.seen_at < ${LIVES_MS}
	from me left join instances as other on other.id <> $1 and other.ended_at is null`;

/** Not if it was heard of meanwhile. A clock that was set back must not keep the dead alive. ($1 instance, $2 seen last.) */
const END_SILENT = `update instances set ended_at = ${NOW_MS}
	where id = $1 and seen_at = $2 and ended_at is null and abs(${NOW_MS} - seen_at) >= ${DEAD_MS}`;

/**
 * Whoever is left over: taken for dead, or forgotten already when something of it came late. Each holder is
 * looked up once, by the index, however many accounts it has. ($1 this instance.)
 */
const LEFT = `with recursive holders(name) as (
		select min(instance) from budget_accounts where instance <> ''
		union all
		select (select min(instance) from budget_accounts where instance <> '' and instance > holders.name)
		from holders where holders.name is not null
	)
	select id from instances where ended_at is not null and id <> $1
	union
	select coalesce(instance, '') from attempts where settled_at is null and instance is distinct from $1
		and not exists (select 1 from instances where id = attempts.instance)
	union
	select name from holders where name <> $1 and not exists (select 1 from instances where id = name)`;

const TOMBSTONE = `insert into instances (id, started_at, seen_at, ended_at) values ($1, ${NOW_MS}, ${NOW_MS}, ${NOW_MS})`;

/** Not if it has begun to live again. */
const END_GONE = `${TOMBSTONE} on conflict (id) do nothing`;

/** Whatever it does. */
export const END = `${TOMBSTONE} on conflict (id) do update set ended_at = coalesce(instances.ended_at, excluded.ended_at)`;

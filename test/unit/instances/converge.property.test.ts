import { expect, test } from "bun:test";
import fc from "fast-check";
import { createFollower } from "../../../src/instances/follow-changes.ts";
import { createKeyDirectory } from "../../../src/keys/directory.ts";
import { KEY_DEFAULTS } from "../../../src/keys/key-defaults.ts";
import { createTeamDirectory } from "../../../src/limits/team-directory.ts";
import { createRotation } from "../../../src/routing/rotation.ts";
import { snapshotOf } from "../../support/no-teams.ts";
import { createSharedDatabase, type Leg, type Statement } from "../../support/shared-database.ts";
import { createFakeClock } from "../limits/fake-clock.ts";

/**
 * Three instances over one database, whose statements travel for as long as the scheduler likes, and are lost at times.
 * At the end, when all have been heard, everybody knows what the database says; and at no time does an instance accept a
 * key that it revoked, or fall back behind a change of its own that it has answered.
 */

const INSTANCES = 3;
const KEYS = 2;
const TEAM = "blue";
const DEPLOYMENT = "dep_1";

type Act = "set rpm" | "disable" | "enable" | "revoke" | "create" | "set team" | "rotate out" | "rotate in" | "poll";

interface Step {
	readonly act: Act;
	readonly at: number;
	readonly key: number;
	/** How many statements arrive somewhere before the next step. */
	readonly arrivals: number;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
	fc.record({
		act: fc.oneof(
			{ weight: 4, arbitrary: fc.constant<Act>("set rpm") },
			{ weight: 5, arbitrary: fc.constant<Act>("poll") },
			{ weight: 4, arbitrary: fc.constantFrom<Act>("disable", "enable", "set team", "rotate out", "rotate in") },
			{ weight: 1, arbitrary: fc.constantFrom<Act>("create", "revoke") },
		),
		at: fc.nat(INSTANCES - 1),
		key: fc.nat(KEYS),
		arrivals: fc.nat(5),
	}),
	{ minLength: 1, maxLength: 40 },
);
/** One of eight is lost. */
const losses = fc.infiniteStream(fc.nat(7).map((number) => number === 0));

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function openInstance(
	database: ReturnType<typeof createSharedDatabase>,
	travel: (leg: Leg, statement: Statement) => Promise<void>,
) {
	const clock = createFakeClock();
	const { keys: keyStore, teams: teamStore, states, feed } = database.connect(travel);
	const keys = await createKeyDirectory({ store: { keys: keyStore }, clock, flushMs: 2 ** 31 - 1 });
	const teams = await createTeamDirectory({ store: teamStore, config: { current: snapshotOf }, clock });
	const rotation = createRotation({ states, clock });
	await rotation.load();
	let poll = () => {};
	const follower = createFollower({
		feed,
		nudges: {
			listen(onNudge) {
				poll = onNudge;
			},
		},
		keys,
		teams,
		rotation,
		clock,
		// Time stands still: polls come from nudges alone.
		timers: { every: () => () => {}, after: () => () => {} },
		logger: { info() {}, warn() {}, error() {} },
	});
	return { keys, teams, rotation, poll: () => poll(), close: () => Promise.all([follower.close(), keys.close()]) };
}

async function setup(scheduler: fc.Scheduler, lost: Iterator<boolean>) {
	const database = createSharedDatabase();
	let isInstant = true;
	let isLossy = true;
	const travel = async (leg: Leg, statement: Statement) => {
		if (isInstant) {
			return;
		}
		await scheduler.schedule(Promise.resolve(), `${leg} ${statement}`);
		if (isLossy && lost.next().value === true) {
			throw new Error("connection lost");
		}
	};
	const instances = await Promise.all(Array.from({ length: INSTANCES }, () => openInstance(database, travel)));
	await turn();
	const known = new Map<string, string>();
	for (let index = 0; index < KEYS; index += 1) {
		const { record, secret } = await (instances[0] ?? fail()).keys.create(KEY_DEFAULTS);
		known.set(record.id, secret);
	}
	for (const instance of instances) {
		instance.poll();
	}
	await turn();
	isInstant = false;
	return {
		database,
		instances,
		secrets: known,
		mend() {
			isLossy = false;
		},
		close() {
			isInstant = true;
			return Promise.all(instances.map((instance) => instance.close()));
		},
	};
}

function fail(): never {
	throw new Error("there is none");
}

/** What the database said, in its order, of each key's and the team's rpm. Values are never used twice. */
function createHistory(database: ReturnType<typeof createSharedDatabase>) {
	const orders = new Map<string, (number | undefined)[]>();
	return {
		look() {
			const rows: [string, number | undefined][] = [...database.keys].map(([id, { rpm }]) => [id, rpm]);
			for (const [id, rpm] of [...rows, [TEAM, database.teams.get(TEAM)?.rpm ?? undefined] as const]) {
				const order = orders.get(id) ?? [];
				if (order.length === 0 || order.at(-1) !== rpm) {
					order.push(rpm);
				}
				orders.set(id, order);
			}
		},
		placeOf: (id: string, rpm: number | undefined) => orders.get(id)?.lastIndexOf(rpm) ?? -1,
	};
}

type World = Awaited<ReturnType<typeof setup>>;

function createRun({ instances, secrets }: World, history: ReturnType<typeof createHistory>) {
	const revoked: { readonly at: number; readonly id: string }[] = [];
	/** By instance and id: the newest of its own changes that it has answered. */
	const floors = new Map<string, { readonly at: number; readonly id: string; readonly rpm: number }>();
	let nextRpm = 1;
	const instance = (at: number) => instances[at] ?? fail();
	const rpmAt = (at: number, id: string): number | undefined =>
		id === TEAM ? instance(at).teams.limitsOf(TEAM).rpm : recordAt(at, id)?.rpm;

	function recordAt(at: number, id: string) {
		try {
			return instance(at).keys.verify(secrets.get(id) ?? "");
		} catch {
			return undefined;
		}
	}

	async function setRpm(at: number, id: string): Promise<void> {
		const rpm = nextRpm;
		nextRpm += 1;
		const { keys, teams } = instance(at);
		const done = id === TEAM ? teams.set(TEAM, { rpm }).then(() => true) : keys.update(id, { rpm });
		if (await done) {
			floors.set(`${at} ${id}`, { at, id, rpm });
		}
	}

	function act({ act: what, at, key }: Step): unknown {
		const { keys, rotation, poll } = instance(at);
		const id = [...secrets.keys()][key % secrets.size] ?? "";
		switch (what) {
			case "set rpm":
				return setRpm(at, id);
			case "set team":
				return setRpm(at, TEAM);
			case "disable":
			case "enable":
				return keys.update(id, { enabled: what === "enable" });
			case "revoke":
				return keys.revoke(id).then(
					() => revoked.push({ at, id }),
					// One that this instance could not even look up is not promised to be refused.
					(error: unknown) => String(error).includes("refused here") && revoked.push({ at, id }),
				);
			case "create":
				return keys.create(KEY_DEFAULTS).then(({ record, secret }) => secrets.set(record.id, secret));
			case "rotate out":
			case "rotate in":
				return rotation.setEnabled(DEPLOYMENT, what === "rotate in");
			case "poll":
				return poll();
			default:
				return what satisfies never;
		}
	}

	return {
		revoked,
		recordAt,
		launch: (step: Step) => void Promise.resolve(act(step)).catch(() => {}),
		check() {
			for (const { at, id } of revoked) {
				expect({ at, accepted: recordAt(at, id)?.id }).toEqual({ at, accepted: undefined });
			}
			for (const { at, id, rpm } of floors.values()) {
				const now = id === TEAM ? rpmAt(at, TEAM) : recordAt(at, id)?.rpm;
				if (id === TEAM || recordAt(at, id) !== undefined) {
					expect(history.placeOf(id, now)).toBeGreaterThanOrEqual(history.placeOf(id, rpm));
				}
			}
		},
	};
}

test("whatever the order, the delays and the losses, all instances end as the database is, and none takes back what it answered", async () => {
	await fc.assert(
		fc.asyncProperty(fc.scheduler(), steps, losses, async (scheduler, program, lost) => {
			const world = await setup(scheduler, lost);
			const history = createHistory(world.database);
			history.look();
			const run = createRun(world, history);
			async function arrive(most: number): Promise<void> {
				for (let count = 0; count < most && scheduler.count() > 0; count += 1) {
					await scheduler.waitOne();
					await turn();
					history.look();
					run.check();
				}
			}
			for (const step of program) {
				run.launch(step);
				await turn();
				await arrive(step.arrivals);
			}
			await arrive(Number.POSITIVE_INFINITY);
			world.mend();
			// A revocation whose write was lost was answered with 503, and is sent again.
			for (const { at, id } of run.revoked) {
				run.launch({ act: "revoke", at, key: [...world.secrets.keys()].indexOf(id), arrivals: 0 });
			}
			await arrive(Number.POSITIVE_INFINITY);
			for (const instance of world.instances) {
				instance.poll();
			}
			await turn();
			await arrive(Number.POSITIVE_INFINITY);
			expectConverged(world, run.recordAt);
			await world.close();
		}),
		{ numRuns: 300 },
	);
}, 60_000);

function expectConverged({ database, instances, secrets }: World, recordAt: (at: number, id: string) => unknown): void {
	for (const [at, { teams, rotation }] of instances.entries()) {
		for (const id of secrets.keys()) {
			const { hash: _, ...row } = database.keys.get(id) ?? fail();
			const isUsable = row.enabled && row.revokedAt === undefined;
			expect({ at, record: recordAt(at, id) }).toEqual({ at, record: isUsable ? row : undefined });
		}
		expect({ at, team: teams.overridesOf(TEAM) }).toEqual({ at, team: database.teams.get(TEAM) });
		expect({ at, isOut: !rotation.isEnabled(DEPLOYMENT) }).toEqual({ at, isOut: database.disabled.has(DEPLOYMENT) });
	}
}

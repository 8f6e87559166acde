import { expect } from "bun:test";
import fc from "fast-check";
import { TakenForDead } from "../../src/limits/taken-for-dead.ts";
import type { AttemptOpening } from "../../src/metering/ledger-types.ts";
import type { PostgresStore } from "../../src/store/postgres-store.ts";
import { closing, MIDNIGHT_MS, opening } from "../unit/store/ledger-samples.ts";
import { claim, type InstancesRig, taken } from "./instances-rig.ts";

const KEYS = 2;
const INSTANCES = 3;

type Step =
	| {
			readonly kind: "lease";
			readonly by: number;
			/** One for each key: what is given back, needed and wished for. undefined = the key is not named. */
			readonly parts: readonly ({ readonly back: number; readonly need: number; readonly ahead: number } | undefined)[];
			readonly limit: number;
			readonly fate: "answered" | "lost" | "overtaken";
	  }
	| { readonly kind: "open"; readonly by: number; readonly key: number; readonly reserved: number }
	| { readonly kind: "settle"; readonly by: number; readonly which: number; readonly cost: number }
	| { readonly kind: "end" | "beat" | "reap"; readonly by: number };

interface OpenAttempt {
	readonly attempt: AttemptOpening;
	readonly key: number;
	isSettled: boolean;
}

/** What one instance is, in the model: exact integers, one for each key. */
interface ModelInstance {
	readonly store: PostgresStore;
	state: "lives" | "ended" | "gone";
	readonly entitled: bigint[];
	readonly spent: bigint[];
	/** What it believes to have. */
	readonly believed: bigint[];
	open: OpenAttempt[];
	sequence: number;
	isToldDead: boolean;
}

const by = fc.nat(INSTANCES - 1);
const key = fc.nat(KEYS - 1);
const nano = fc.oneof(fc.constant(0), fc.nat(300));
const step: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 8,
		arbitrary: fc.record({
			kind: fc.constant("lease" as const),
			by,
			parts: fc.array(fc.option(fc.record({ back: nano, need: nano, ahead: nano }), { nil: undefined, freq: 4 }), {
				minLength: KEYS,
				maxLength: KEYS,
			}),
			limit: fc.constantFrom(1_000, 1_000, 1_000, 400),
			fate: fc.constantFrom("answered" as const, "answered" as const, "lost" as const, "overtaken" as const),
		}),
	},
	{ weight: 3, arbitrary: fc.record({ kind: fc.constant("open" as const), by, key, reserved: fc.nat(150) }) },
	{
		weight: 4,
		arbitrary: fc.record({ kind: fc.constant("settle" as const), by, which: fc.nat(9), cost: fc.nat(200) }),
	},
	{ weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("end" as const, "beat" as const, "reap" as const), by }) },
);

/**
 * Runs random histories on three instances of a real database, and after each step compares every account, and every
 * answer, with what plain sums over the model say. The stores' watches have to be such that they reap at once.
 */
export async function checkLeases(options: {
	readonly rig: InstancesRig;
	readonly stores: readonly PostgresStore[];
	readonly runs: number;
	readonly seed: number;
}): Promise<void> {
	let run = 0;
	await fc.assert(
		fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
			run += 1;
			const model = createModel(options.rig, options.stores, `m${run}`);
			for (const one of steps) {
				await model.take(one);
				await model.compare();
			}
			await model.end();
		}),
		{ numRuns: options.runs, seed: options.seed },
	);
}

/** Math.max() does not take them. */
function most(left: bigint, right: bigint): bigint {
	return left > right ? left : right;
}

function least(left: bigint, right: bigint): bigint {
	return left < right ? left : right;
}

function createModel(rig: InstancesRig, stores: readonly PostgresStore[], name: string) {
	const keyId = (place: number) => `${name}_${place}`;
	const subject = (place: number) => `key:${keyId(place)}`;
	const zeros = () => Array.from({ length: KEYS }, () => 0n);
	/** What was spent by those who are gone. */
	const folded = zeros();
	const instances = stores.map(
		(store): ModelInstance => ({
			store,
			state: "lives",
			entitled: zeros(),
			spent: zeros(),
			believed: zeros(),
			open: [],
			sequence: 0,
			isToldDead: false,
		}),
	);
	const instanceOf = (place: number) => instances[place] as ModelInstance;
	const add = (sums: bigint[], place: number, amount: bigint) => {
		sums[place] = (sums[place] ?? 0n) + amount;
	};
	const at = (sums: readonly bigint[], place: number) => sums[place] ?? 0n;

	function used(place: number, own?: { readonly instance: ModelInstance; readonly entitled: bigint }): bigint {
		const parts = instances.map((instance) => {
			const entitled = own?.instance === instance ? own.entitled : at(instance.entitled, place);
			return instance.state === "gone" ? at(instance.spent, place) : most(entitled, at(instance.spent, place));
		});
		return parts.reduce((sum, part) => sum + part, at(folded, place));
	}

	function bury(instance: ModelInstance): void {
		for (const open of instance.open.filter((one) => !one.isSettled)) {
			open.isSettled = true;
			add(instance.spent, open.key, BigInt(open.attempt.reservedNano));
		}
		for (let place = 0; place < KEYS; place += 1) {
			add(folded, place, at(instance.spent, place));
			instance.spent[place] = 0n;
			instance.entitled[place] = 0n;
		}
		instance.state = "gone";
	}

	async function lease(given: Extract<Step, { readonly kind: "lease" }>): Promise<void> {
		const instance = instanceOf(given.by);
		const { believed } = instance;
		const isOld = given.fate === "overtaken" && instance.sequence > 0;
		const named = given.parts.flatMap((part, place) => (part === undefined ? [] : [{ part, place }]));
		const claims = named.map(({ part, place }) => ({
			place,
			// An overtaken call says what was true when it was sent; whatever it says, it changes nothing.
			entitled: most(0n, at(believed, place) - BigInt(part.back)),
			need: BigInt(part.need),
			ahead: BigInt(part.ahead),
		}));
		if (!isOld) {
			instance.sequence += 1;
		}
		const asked = instance.store.shared.budgets.lease(
			claims.map(({ place, entitled, need, ahead }) =>
				claim(subject(place), {
					limitNano: given.limit,
					entitledNano: Number(entitled),
					needNano: Number(need),
					aheadNano: Number(ahead),
				}),
			),
			// Of another run there is no row of these keys: only numbers of this one matter.
			isOld ? 0 : instance.sequence,
		);
		if (instance.state !== "lives" && claims.length > 0) {
			await expect(asked).rejects.toBeInstanceOf(TakenForDead);
			return;
		}
		const limit = BigInt(given.limit);
		const isStale = (place: number) => isOld && sequences.has(`${given.by} ${place}`);
		const after = claims.map(({ place, entitled, need }) => {
			const base = isStale(place) ? at(instance.entitled, place) : least(at(instance.entitled, place), entitled);
			return { place, base, wanted: base + need, need };
		});
		const granted =
			!after.some(({ place }) => isStale(place)) &&
			after.every(({ place, wanted, need }) => need === 0n || used(place, { instance, entitled: wanted }) <= limit);
		const living = BigInt(instances.filter(({ state }) => state === "lives").length);
		for (const [index, { place, base, wanted }] of after.entries()) {
			const free = most(0n, limit - used(place, { instance, entitled: wanted }));
			const ahead = least(claims[index]?.ahead ?? 0n, free / (10n * living));
			instance.entitled[place] = granted ? wanted + ahead : base;
			if (!isStale(place)) {
				sequences.add(`${given.by} ${place}`);
			}
		}
		const answer = await asked;
		expect(answer).toEqual({
			granted,
			shares: after.map(({ place }) => ({
				subject: subject(place),
				month: claim("").month,
				entitledNano: Number(at(instance.entitled, place)),
				freeNano: Number(most(0n, limit - used(place))),
				spentNano: Number(instances.reduce((sum, { spent }) => sum + at(spent, place), at(folded, place))),
			})),
		});
		if (granted && after.some(({ need }) => need > 0n)) {
			for (const { place, need } of after) {
				expect(need === 0n || used(place) <= limit).toBe(true);
			}
		}
		for (const { place, entitled } of claims) {
			// What it gave back it has no more, answer or not.
			believed[place] = isOld ? least(at(believed, place), at(instance.entitled, place)) : entitled;
			if (given.fate === "answered") {
				believed[place] = at(instance.entitled, place);
			}
		}
	}

	/** Which instance has leased which key: only then an older sequence is known to be older. */
	const sequences = new Set<string>();

	async function settle(given: Extract<Step, { readonly kind: "settle" }>): Promise<void> {
		const { store, open, spent } = instanceOf(given.by);
		const one = open[given.which % Math.max(1, open.length)];
		if (one === undefined) {
			return;
		}
		await store.writer.settled(one.attempt, MIDNIGHT_MS, closing({ costNano: given.cost }), MIDNIGHT_MS);
		if (!one.isSettled) {
			one.isSettled = true;
			add(spent, one.key, BigInt(given.cost));
		}
	}

	async function beat(instance: ModelInstance): Promise<void> {
		const wasDead = instance.state !== "lives";
		if (instance.state === "ended") {
			bury(instance);
		}
		const heard = await instance.store.shared.membership.beat();
		instance.state = "lives";
		expect(heard.wasTakenForDead).toBe(wasDead);
		if (wasDead) {
			instance.believed.fill(0n);
			for (const place of instance.believed.keys()) {
				sequences.delete(`${instances.indexOf(instance)} ${place}`);
			}
		}
	}

	async function reap(instance: ModelInstance): Promise<void> {
		const gone = instances.filter(({ state }) => state !== "lives");
		const due = gone.flatMap(({ open }) => open.filter((one) => !one.isSettled));
		const recovered = await instance.store.shared.membership.reap(MIDNIGHT_MS);
		if (gone.includes(instance)) {
			// It does not look after itself. Whatever it finds of others is right all the same.
			const others = gone.filter((other) => other !== instance);
			expect(recovered).toHaveLength(others.flatMap(({ open }) => open.filter((one) => !one.isSettled)).length);
			others.forEach(bury);
			return;
		}
		expect(recovered.map(({ requestId }) => requestId).sort()).toEqual(
			due.map(({ attempt }) => attempt.requestId).sort(),
		);
		gone.forEach(bury);
	}

	async function open(given: Extract<Step, { readonly kind: "open" }>): Promise<void> {
		const instance = instanceOf(given.by);
		const attempt = opening({ keyId: keyId(given.key), team: undefined, reservedNano: given.reserved });
		instance.store.writer.opened(attempt, MIDNIGHT_MS);
		await instance.store.writer.flush();
		instance.open = [...instance.open, { attempt, key: given.key, isSettled: false }];
	}

	async function end(instance: ModelInstance): Promise<void> {
		if (instance.state === "lives") {
			await rig.query("update instances set ended_at = 1 where id = $1", [instance.store.shared.instanceId]);
			instance.state = "ended";
		}
	}

	return {
		async take(given: Step): Promise<void> {
			switch (given.kind) {
				case "lease":
					return lease(given);
				case "open":
					return open(given);
				case "settle":
					return settle(given);
				case "end":
					return end(instanceOf(given.by));
				case "beat":
					return beat(instanceOf(given.by));
				case "reap":
					return reap(instanceOf(given.by));
			}
		},

		async compare(): Promise<void> {
			const accounts = await rig.accounts();
			for (let place = 0; place < KEYS; place += 1) {
				const mine = accounts.filter((account) => account.subject === subject(place));
				const found = mine
					.filter(({ entitled, spent }) => entitled > 0n || spent > 0n)
					.map(({ instance, entitled, spent }) => ({ instance, entitled, spent }));
				const expected = [
					{ instance: "", entitled: 0n, spent: at(folded, place) },
					...instances.map(({ store, entitled, spent }) => ({
						instance: store.shared.instanceId,
						entitled: at(entitled, place),
						spent: at(spent, place),
					})),
				].filter(({ entitled, spent }) => entitled > 0n || spent > 0n);
				expect(found).toEqual(expected.sort((left, right) => (left.instance < right.instance ? -1 : 1)));
				expect(taken(mine, subject(place))).toBe(used(place));
			}
			for (const { state, believed, entitled } of instances) {
				expect(state !== "lives" || believed.every((sum, place) => sum <= at(entitled, place))).toBe(true);
			}
		},

		/** So that the next run begins with instances that live, and nothing under way. */
		async end(): Promise<void> {
			for (const instance of instances) {
				await beat(instance);
				for (const one of instance.open) {
					await instance.store.writer.settled(one.attempt, MIDNIGHT_MS, closing({ costNano: 0 }), MIDNIGHT_MS);
				}
			}
		},
	};
}

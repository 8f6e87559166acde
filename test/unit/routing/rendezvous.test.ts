import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { rendezvous } from "../../../src/routing/rendezvous.ts";

interface Candidate {
	readonly id: string;
	readonly weight: number;
}

const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 7 });

/** Ids as deployments have them, different in each world. */
function candidatesOf(world: number, given: readonly number[]): readonly Candidate[] {
	return given.map((weight, index) => ({ id: `dep_${world}_${index}`, weight }));
}

function conversations(world: number, count: number): readonly string[] {
	return Array.from({ length: count }, (_, index) => `vk_${world}\nsmart\n${index}`);
}

function firstOf(conversation: string, candidates: readonly Candidate[]): string | undefined {
	return rendezvous(conversation, candidates)[0]?.id;
}

describe("many conversations", () => {
	test("come to each candidate in proportion to its weight", () => {
		const count = 4_000;
		fc.assert(
			fc.property(fc.nat(), weights, (world, given) => {
				const candidates = candidatesOf(world, given);
				const total = given.reduce((sum, weight) => sum + weight, 0);
				const came = Map.groupBy(conversations(world, count), (conversation) => firstOf(conversation, candidates));
				for (const { id, weight } of candidates) {
					const share = weight / total;
					// Six standard deviations of a count of so many independent choices.
					const tolerance = 6 * Math.sqrt(count * share * (1 - share));
					expect(Math.abs((came.get(id)?.length ?? 0) - count * share)).toBeLessThan(tolerance);
				}
			}),
			{ numRuns: 25 },
		);
	});

	test("whose candidate leaves spread over the others by weight", () => {
		const candidates = candidatesOf(0, [6, 3, 1]);
		const [leaving, ...others] = candidates;
		const moved = conversations(0, 20_000).filter((conversation) => firstOf(conversation, candidates) === leaving?.id);
		const came = Map.groupBy(moved, (conversation) => firstOf(conversation, others));
		expect(moved.length).toBeGreaterThan(11_500);
		expect((came.get(others[0]?.id)?.length ?? 0) / moved.length).toBeCloseTo(0.75, 1);
	});
});

describe("one conversation", () => {
	const world = fc.record({ world: fc.nat(), given: weights, conversation: fc.string() });

	test("has the same order everywhere, however its candidates are listed; nobody is lost or doubled", () => {
		fc.assert(
			fc.property(world, fc.infiniteStream(fc.nat()), ({ world: seed, given, conversation }, shuffle) => {
				const candidates = candidatesOf(seed, given);
				const order = rendezvous(conversation, candidates);
				expect(order.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual([...candidates]);
				const shuffled = candidates
					.map((candidate) => ({ candidate, at: shuffle.next().value ?? 0 }))
					.sort((a, b) => a.at - b.at)
					.map(({ candidate }) => candidate);
				expect(rendezvous(conversation, shuffled)).toEqual(order);
			}),
		);
	});

	test("moves only when its own candidate leaves: the others keep their order", () => {
		fc.assert(
			fc.property(world, fc.nat(), ({ world: seed, given, conversation }, which) => {
				const candidates = candidatesOf(seed, given);
				const leaving = candidates[which % candidates.length];
				const order = rendezvous(conversation, candidates);
				const stayed = rendezvous(
					conversation,
					candidates.filter((candidate) => candidate !== leaving),
				);
				// Read backwards: one that comes takes its place in the order and moves no other.
				expect(stayed).toEqual(order.filter((candidate) => candidate !== leaving));
			}),
		);
	});

	test("keeps its place from one version of the gateway to the next", () => {
		// Changing these numbers moves every conversation of every user at their next update: its caches are cold then.
		const candidates = candidatesOf(0, [1, 1, 2]);
		const places = conversations(0, 12).map((conversation) => firstOf(conversation, candidates)?.at(-1));
		expect(places.join("")).toBe("222211121112");
	});
});

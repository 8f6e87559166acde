import { expect, test } from "bun:test";
import fc from "fast-check";
import { type BudgetAccounts, decideLease } from "../../../src/store/decide-lease.ts";

const LIMIT_MAX = Number.MAX_SAFE_INTEGER;
const nano = fc.oneof(fc.nat(1_000), fc.maxSafeNat());
const accounts: fc.Arbitrary<BudgetAccounts> = fc
	.record({
		limit: nano,
		entitled: nano,
		meant: nano,
		need: nano,
		ahead: nano,
		spent: nano,
		others: nano,
		sequence: fc.nat(3),
	})
	.map((facts) => ({
		claim: {
			subject: "key:a",
			month: 1,
			limitNano: facts.limit,
			entitledNano: facts.meant,
			needNano: facts.need,
			aheadNano: facts.ahead,
		},
		entitledNano: BigInt(facts.entitled),
		spentNano: BigInt(facts.spent),
		sequence: facts.sequence - 1,
		othersNano: BigInt(facts.others),
		othersSpentNano: BigInt(Math.floor(facts.others / 2)),
	}));

function taken({ othersNano, spentNano }: BudgetAccounts, entitledNano: number): bigint {
	const entitled = BigInt(entitledNano);
	return othersNano + (entitled > spentNano ? entitled : spentNano);
}

test("what is granted fits, what does not fit is not granted, and nothing comes from nowhere", () => {
	fc.assert(
		fc.property(
			fc.array(accounts, { minLength: 1, maxLength: 4 }),
			fc.nat(3),
			fc.integer({ min: 0, max: 9 }),
			(given, sequence, instances) => {
				const { granted, shares, counts } = decideLease({ accounts: given, sequence, instances });
				const isOld = given.some((account) => account.sequence >= sequence);
				let doAllFit = true;
				for (const [place, account] of given.entries()) {
					const { claim } = account;
					const entitled = shares[place]?.entitledNano ?? -1;
					const base = Math.min(Number(account.entitledNano), claim.entitledNano);
					expect(counts[place]).toBe(account.sequence < sequence);
					expect(entitled).toBeGreaterThanOrEqual(0);
					expect(entitled).toBeLessThanOrEqual(LIMIT_MAX);
					const isWanted = claim.needNano > 0;
					const wanted = BigInt(base) + BigInt(claim.needNano);
					const after = account.othersNano + (wanted > account.spentNano ? wanted : account.spentNano);
					doAllFit &&= !isWanted || after <= BigInt(claim.limitNano);
					if (granted) {
						expect(entitled).toBeGreaterThanOrEqual(base + claim.needNano);
						const ahead = entitled - base - claim.needNano;
						expect(ahead).toBeLessThanOrEqual(claim.aheadNano);
						const free = BigInt(claim.limitNano) - after;
						expect(BigInt(ahead) * 10n * BigInt(Math.max(1, instances)) <= (free > 0n ? free : 0n)).toBe(true);
						expect(!isWanted || taken(account, entitled) <= BigInt(claim.limitNano)).toBe(true);
					} else {
						expect(entitled).toBe(account.sequence < sequence ? base : Number(account.entitledNano));
					}
				}
				expect(granted).toBe(!isOld && doAllFit);
			},
		),
		{ numRuns: 3_000 },
	);
});

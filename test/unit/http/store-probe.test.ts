import { describe, expect, test } from "bun:test";
import { createStoreProbe } from "../../../src/http/store-probe.ts";
import { createFakeClock } from "../routing/fakes.ts";

function rig() {
	const clock = createFakeClock();
	const asked: PromiseWithResolvers<boolean>[] = [];
	const probe = createStoreProbe(() => {
		const question = Promise.withResolvers<boolean>();
		asked.push(question);
		return question.promise;
	}, clock);
	return { clock, asked, probe };
}

describe("a look at the database", () => {
	test("is one, however many ask at once, and holds for half a second", async () => {
		const { clock, asked, probe } = rig();
		const answers = Promise.all(Array.from({ length: 100 }, () => probe()));
		expect(asked).toHaveLength(1);
		asked[0]?.resolve(true);
		expect(new Set(await answers)).toEqual(new Set([true]));
		clock.advance(499);
		expect(await probe()).toBe(true);
		expect(asked).toHaveLength(1);
		clock.advance(1);
		const next = probe();
		expect(asked).toHaveLength(2);
		asked[1]?.resolve(false);
		expect(await next).toBe(false);
	});

	test("that fails is a database that does not answer", async () => {
		const { asked, probe } = rig();
		const answer = probe();
		asked[0]?.reject(new Error("no"));
		expect(await answer).toBe(false);
		expect(await probe()).toBe(false);
		expect(asked).toHaveLength(1);
	});

	test("that throws at once is one too", async () => {
		const probe = createStoreProbe(() => {
			throw new Error("no");
		}, createFakeClock());
		expect(await probe()).toBe(false);
	});

	test("that is late is answered without it, asked no second time, and believed when it comes", async () => {
		const { clock, asked, probe } = rig();
		expect(await probe()).toBe(false);
		clock.advance(5_000);
		expect(await probe()).toBe(false);
		expect(asked).toHaveLength(1);
		asked[0]?.resolve(true);
		await asked[0]?.promise;
		expect(await probe()).toBe(true);
		expect(asked).toHaveLength(1);
	});

	test("that never ends is given up for another after a while, and changes nothing by ending then", async () => {
		const { clock, asked, probe } = rig();
		expect(await probe()).toBe(false);
		clock.advance(10_000);
		const next = probe();
		expect(asked).toHaveLength(2);
		asked[1]?.resolve(true);
		expect(await next).toBe(true);
		asked[0]?.resolve(false);
		await asked[0]?.promise;
		expect(await probe()).toBe(true);
		expect(asked).toHaveLength(2);
	});
});

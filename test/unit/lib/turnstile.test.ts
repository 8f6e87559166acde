import { expect, test } from "bun:test";
import { createTurnstile } from "../../../src/lib/turnstile.ts";

const NOBODY = new AbortController().signal;

test("whoever comes later waits in line, and goes in in the order of coming", async () => {
	const turnstile = createTurnstile(1);
	const seen: string[] = [];
	const leaveFirst = await turnstile.enter(NOBODY);
	const others = ["second", "third"].map(async (name) => {
		const leave = await turnstile.enter(NOBODY);
		seen.push(name);
		leave();
	});
	expect([seen.length, turnstile.count()]).toEqual([0, 1]);
	leaveFirst();
	await Promise.all(others);
	expect([seen, turnstile.count()]).toEqual([["second", "third"], 0]);
});

test("leaving twice frees one place", async () => {
	const turnstile = createTurnstile(2);
	const [leave] = [await turnstile.enter(NOBODY), await turnstile.enter(NOBODY)];
	leave();
	leave();
	expect(turnstile.count()).toBe(1);
});

test("who gives up in line takes no place, and learns why", async () => {
	const turnstile = createTurnstile(1);
	const leave = await turnstile.enter(NOBODY);
	const controller = new AbortController();
	const impatient = turnstile.enter(controller.signal);
	controller.abort("enough");
	expect(await impatient.catch((reason: unknown) => reason)).toBe("enough");
	expect(await turnstile.enter(controller.signal).catch((reason: unknown) => reason)).toBe("enough");
	leave();
	expect(turnstile.count()).toBe(0);
	await turnstile.enter(NOBODY);
	expect(turnstile.count()).toBe(1);
});

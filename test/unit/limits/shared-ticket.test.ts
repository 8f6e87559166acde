import { expect, test } from "bun:test";
import { createSharedSubject } from "../../../src/limits/shared-subject.ts";
import { createSharedTicket } from "../../../src/limits/shared-ticket.ts";

const LIMITS = { id: "key:a", rpm: undefined, tpm: 1_000, parallel: 10 };

function held(slotsOfAll: number) {
	const subject = createSharedSubject(LIMITS, 1, 0);
	subject.running = 1;
	subject.slotsOfAll = slotsOfAll;
	const news: boolean[] = [];
	const ticket = createSharedTicket({
		held: [{ subject, stamp: subject.stamp }],
		tokens: 100,
		takenAtMs: 0,
		nowMs: () => 5,
		aloneOf: () => undefined,
		onNews: (_, isUrgent) => news.push(isUrgent),
	});
	return { subject, ticket, news };
}

test("a slot that comes free is told at once when nearly all are taken, and in time when there are others", () => {
	for (const [slotsOfAll, isUrgent] of [
		[10, true],
		[9, true],
		[8, false],
	] as const) {
		const { subject, ticket, news } = held(slotsOfAll);
		ticket.release();
		ticket.release();
		expect(news).toEqual([isUrgent]);
		expect(subject.running).toBe(0);
	}
});

test("corrections are counted once, and credits of uses that are told together go together", () => {
	const { subject, ticket, news } = held(0);
	ticket.correctTokens(150);
	ticket.correctTokens(150);
	expect(subject.tpm.spent).toBe(50 * 60_000);
	ticket.correctTokens(120);
	ticket.correctTokens(Number.NaN);
	expect(subject.credits).toEqual([{ units: 150, stamp: subject.stamp }]);
	expect(subject.credited).toBe(150);
	expect(news).toEqual([false, false, false]);
});

import type { Clock } from "../lib/clock.ts";
import { createPatience } from "./patience.ts";

/** Nobody answered in time. */
export class DeadlinePassed extends Error {
	constructor(deadlineMs: number) {
		super(`no answer within ${deadlineMs} ms`);
		this.name = "DeadlinePassed";
	}
}

/** Counted of one turn of the event loop at most: this part of the deadline. */
const TURNS = 5;

/**
 * The work's own outcome, or `DeadlinePassed`. What comes later is ignored. Time in which this process was busy with
 * something else counts little: an answer that has arrived meanwhile is still read.
 */
export async function withinDeadline<T>(work: Promise<T>, deadlineMs: number, clock: Clock): Promise<T> {
	const late = Promise.withResolvers<never>();
	const patience = createPatience(clock, Math.ceil(deadlineMs / TURNS));
	const end = patience.wait(deadlineMs, () => late.reject(new DeadlinePassed(deadlineMs)));
	try {
		return await Promise.race([work, late.promise]);
	} finally {
		end();
	}
}

import { describe, expect, test } from "bun:test";
import { OPAQUE, type Seal } from "../../../src/dialects/seal.ts";
import { readerOf } from "../../../src/gateway/account.ts";
import type { Answered, AttemptContext } from "../../../src/gateway/attempt-result.ts";
import { createSealBook } from "../../../src/gateway/seal-book.ts";
import { unreadableState } from "../../../src/gateway/unreadable-state.ts";
import { deployment } from "../routing/fakes.ts";

const place = deployment("place");
const seal = (id: string, isEssential: boolean): Seal => ({
	...{ format: OPAQUE, marks: [id, `sealed-${id}`], isCurrent: true, isEssential },
	field: isEssential ? "input[].compaction" : "input[].reasoning",
});
const [reasoning, other, compaction] = [seal("rs_1", false), seal("rs_2", false), seal("cmp_1", true)];
const answered: Answered = { kind: "answered", response: new Response("no"), inMotion: false };

/** What comes of a refusal, and which of the seals are known as unreadable from then on. */
function refusedFor(sent: readonly Seal[], message: string, status = 400) {
	const seals = createSealBook();
	// Nothing else of the context is looked at.
	const context = { sent, served: { deployment: place }, deps: { routing: { seals } } } as unknown as AttemptContext;
	const result = unreadableState(context, { status, type: undefined, code: undefined, message }, answered);
	const known = sent.filter(({ marks }) => seals.hasRefused(marks, readerOf(place)));
	return { result, known };
}

describe("a refusal for state", () => {
	test("is known of all that can be left out, and the same deployment may be asked again", () => {
		expect(refusedFor([reasoning, compaction, other], "The encrypted content could not be verified.")).toEqual({
			result: { kind: "unreadable_state", answered, canLeaveOut: true },
			known: [reasoning, other],
		});
	});
	test("is known of what it names alone, where that cannot be left out", () => {
		const message = "The encrypted content for item cmp_1 could not be verified.";
		expect(refusedFor([reasoning, compaction], message)).toEqual({
			result: { kind: "unreadable_state", answered, canLeaveOut: false },
			known: [compaction],
		});
	});
	test("is known of what cannot be left out, where there was nothing else", () => {
		expect(refusedFor([compaction], "The encrypted content could not be verified.")).toEqual({
			result: { kind: "unreadable_state", answered, canLeaveOut: false },
			known: [compaction],
		});
	});
});

test("a refusal of a request that carried nothing of the kind is one for something else, whatever its words", () => {
	expect(refusedFor([], "The encrypted content could not be verified.").result).toBeUndefined();
	expect(refusedFor([reasoning], "Too many tools.")).toEqual({ result: undefined, known: [] });
});

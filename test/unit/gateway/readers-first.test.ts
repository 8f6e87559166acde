import { expect, test } from "bun:test";
import { readersFirst } from "../../../src/gateway/readers-first.ts";
import { deployment } from "../routing/fakes.ts";

const [a, b, c, d] = [deployment("a"), deployment("b"), deployment("c"), deployment("d")];
const all = [a, b, c, d];
const among =
	(...readers: readonly (typeof a)[]) =>
	(one: typeof a) =>
		readers.includes(one);

test("those that read the state go first, each group in its order", () => {
	expect(readersFirst([d, c, b, a], all, among(a, c))).toEqual({ first: [c, a], rest: [d, b], outcome: "held" });
});

test("nothing changes where all of them read it, or nobody ever does", () => {
	const untouched = { first: all, rest: [], outcome: undefined };
	expect(readersFirst(all, all, among(...all))).toEqual(untouched);
	expect(readersFirst(all, all, among())).toEqual(untouched);
	expect(readersFirst(all, all, undefined)).toEqual(untouched);
});

test("it is told where those that could read it cannot serve now", () => {
	expect(readersFirst([a, b], all, among(c))).toEqual({ first: [a, b], rest: [], outcome: "lost" });
	expect(readersFirst([], all, among(c))).toEqual({ first: [], rest: [], outcome: undefined });
});

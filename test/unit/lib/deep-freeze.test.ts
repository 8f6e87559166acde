import { expect, test } from "bun:test";
import { deepFreeze, frozenMap } from "../../../src/lib/deep-freeze.ts";

test("everything below is frozen, also below a frozen object and inside a Map", () => {
	const inner = { list: [{ deep: 1 }] };
	const value = deepFreeze({ shallow: Object.freeze({ inner }), map: new Map([["key", { entry: [] }]]) });
	for (const part of [value, inner, inner.list, inner.list[0], value.map.get("key"), value.map.get("key")?.entry]) {
		expect(Object.isFrozen(part)).toBe(true);
	}
});

test("an object that contains itself is no trap", () => {
	const ring: { self?: unknown } = {};
	ring.self = ring;
	expect(Object.isFrozen(deepFreeze(ring))).toBe(true);
});

test("a frozen map can be read and not changed", () => {
	const map = frozenMap([["a", 1]]);
	expect(map.get("a")).toBe(1);
	for (const change of ["set", "delete", "clear"] as const) {
		// The type is read-only; what is tried is what code that ignores types could do.
		expect(() => (map as Map<string, number>)[change]("a", 2)).toThrow(TypeError);
	}
	expect(map.size).toBe(1);
});

/** A Map that refuses changes at run time too: `Object.freeze` alone leaves `set` and `delete` working. */
export function frozenMap<Key, Value>(entries: Iterable<readonly [Key, Value]>): ReadonlyMap<Key, Value> {
	const map = new Map(entries);
	const refuse = (): never => {
		throw new TypeError("this map is frozen");
	};
	Object.defineProperties(map, { set: { value: refuse }, delete: { value: refuse }, clear: { value: refuse } });
	return Object.freeze(map);
}

/** Freezes objects and arrays all the way down, also below frozen ones, and the values of Maps; returns its argument. */
export function deepFreeze<Value>(value: Value): Value {
	freezeBelow(value, new Set());
	return value;
}

function freezeBelow(value: unknown, seen: Set<object>): void {
	if (typeof value !== "object" || value === null || seen.has(value)) {
		return;
	}
	seen.add(value);
	for (const part of value instanceof Map ? value.values() : Object.values(value)) {
		freezeBelow(part, seen);
	}
	Object.freeze(value);
}

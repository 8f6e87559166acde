/** A map that forgets: beyond its bound, what was put in the longest ago. */
export interface Recent<Value> {
	get(key: string): Value | undefined;
	/** The youngest from now on. */
	put(key: string, value: Value): void;
	size(): number;
}

export function createRecent<Value>(entriesMax: number): Recent<Value> {
	/** A map's order is that of insertion: the oldest first. */
	const entries = new Map<string, Value>();
	return {
		get: (key) => entries.get(key),
		put(key, value) {
			entries.delete(key);
			entries.set(key, value);
			if (entries.size > entriesMax) {
				const [oldest] = entries.keys();
				if (oldest !== undefined) {
					entries.delete(oldest);
				}
			}
		},
		size: () => entries.size,
	};
}

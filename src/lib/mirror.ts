import { createInStep } from "./in-step.ts";
import { createSerial } from "./serial.ts";

/** A small table in memory, in step with a store that other processes change too. */
export interface Mirror<Value> {
	/** All there is. */
	current(): ReadonlyMap<string, Value>;
	/** Reads the table, for the first time. Rejects when the store cannot be read. */
	load(): Promise<void>;
	/**
	 * Reads the table again: these rows, and whatever is outstanding, are in memory when the promise resolves. Reads nothing
	 * where nothing is outstanding. Rejects when the store cannot be read; what was asked for then stays outstanding.
	 */
	reload(ids: Iterable<string>): Promise<void>;
	/** One change at a time, in memory once it is written; undefined = no row. Rejects, changing nothing, with what `write` raises. */
	set(id: string, value: Value | undefined, write: () => Promise<void>): Promise<void>;
}

/** A reading is of the whole table, whichever row it is for. */
const WHOLE = "";

export function createMirror<Value>(read: () => Promise<ReadonlyMap<string, Value>>): Mirror<Value> {
	let rows: ReadonlyMap<string, Value> = new Map();
	// Memory follows the order in which the store applied the changes.
	const inOrder = createSerial();
	const inStep = createInStep({
		read,
		keep(read: ReadonlyMap<string, Value>, isOutdated) {
			const own = [...rows].filter(([id]) => isOutdated(id));
			rows = new Map([...[...read].filter(([id]) => !isOutdated(id)), ...own]);
		},
	});
	return {
		current: () => rows,
		load: () => inStep.reread([WHOLE]),
		reload: inStep.reread,
		set: (id, value, write) =>
			inOrder(() =>
				inStep.change(id, write, () => {
					const next = new Map(rows);
					next.delete(id);
					rows = value === undefined ? next : next.set(id, value);
				}),
			),
	};
}

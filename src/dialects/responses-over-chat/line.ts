import type { JsonObject } from "../../lib/json-types.ts";

/** Takes the events of a response one by one. */
export type Say = (event: JsonObject & { readonly type: string }) => void;

/** What one response is made on: how it is told, and how its items are named. */
export interface Line {
	/** Says an event; its number in the sequence is added. */
	say(type: string, fields: JsonObject): void;
	/** The next place in the output, and an id that says what stands there. */
	place(prefix: string): Place;
}

export interface Place {
	readonly index: number;
	readonly id: string;
	/** `item_id` and `output_index`, as they stand on every event of the item. */
	readonly fields: JsonObject;
}

/** @param answerId Unique among all answers; the ids of the items are made of it, the same each time. */
export function createLine(answerId: string, sink: Say): Line {
	let sequence = 0;
	let items = 0;
	return {
		say(type, fields) {
			sink({ type, sequence_number: sequence, ...fields });
			sequence += 1;
		},
		place(prefix) {
			const index = items;
			items += 1;
			const id = `${prefix}_${answerId}_${index}`;
			return { index, id, fields: { item_id: id, output_index: index } };
		},
	};
}

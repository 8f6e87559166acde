import type { Store } from "../../src/store/types.ts";
import { openStore, temporaryDirectory } from "../unit/store/ledger-samples.ts";

/** A store on an empty database, and how to throw both away. */
export interface Backend {
	readonly store: Store;
	readonly remove: () => Promise<void>;
}

/** Every database that the store contract holds for. */
export const BACKENDS: readonly (readonly [name: string, start: () => Promise<Backend>])[] = [
	[
		"SQLite",
		async () => {
			const place = temporaryDirectory();
			const store = await openStore(place);
			return {
				store,
				async remove() {
					await store.close();
					place[Symbol.dispose]();
				},
			};
		},
	],
];

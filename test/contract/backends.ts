import { afterAll } from "bun:test";
import { createPostgresStore } from "../../src/store/postgres-store.ts";
import type { Store } from "../../src/store/types.ts";
import { startPostgres } from "../support/postgres.ts";
import { openStore, temporaryDirectory } from "../unit/store/ledger-samples.ts";

/** A store on an empty database, and how to throw both away. */
export interface Backend {
	readonly store: Store;
	readonly remove: () => Promise<void>;
}

type NamedBackend = readonly [name: string, start: () => Promise<Backend>];

/** Every database that the store contract holds for. Call it at the top of a test file: what it starts ends with the file. */
export async function startBackends(): Promise<readonly NamedBackend[]> {
	const server = await startPostgres();
	afterAll(() => server?.stop());
	const postgres = async () => {
		const database = await server?.database();
		const url = database?.url ?? "";
		const store = await createPostgresStore({ url, connectionsMax: 4, onProblem: () => {} });
		return {
			store,
			async remove() {
				await store.close();
				await database?.drop();
			},
		};
	};
	return server === undefined
		? [["SQLite", sqlite]]
		: [
				["SQLite", sqlite],
				["PostgreSQL", postgres],
			];
}

async function sqlite(): Promise<Backend> {
	const place = temporaryDirectory();
	const store = await openStore(place);
	return {
		store,
		async remove() {
			await store.close();
			place[Symbol.dispose]();
		},
	};
}

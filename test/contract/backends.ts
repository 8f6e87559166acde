import { afterAll } from "bun:test";
import { systemClock } from "../../src/lib/clock.ts";
import { createPostgresStore, type PostgresStore, type PostgresStoreOptions } from "../../src/store/postgres-store.ts";
import type { Store } from "../../src/store/types.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { openStore, temporaryDirectory } from "../unit/store/ledger-samples.ts";

/** A store on an empty database, and how to throw both away. */
export interface Backend {
	readonly store: Store;
	/** The next start in the same place, once the store's rows are written. What the store has left open is of a crash. */
	readonly restart: () => Promise<Store>;
	readonly remove: () => Promise<void>;
}

type NamedBackend = readonly [name: string, start: () => Promise<Backend>];

/** Every database that the store contract holds for. Call it at the top of a test file: what it starts ends with the file. */
export async function startBackends(): Promise<readonly NamedBackend[]> {
	const server = await startPostgres();
	afterAll(() => server?.stop());
	const postgres = () => postgresBackend(server);
	return server === undefined
		? [["SQLite", sqlite]]
		: [
				["SQLite", sqlite],
				["PostgreSQL", postgres],
			];
}

/** A store on PostgreSQL. */
export function openPostgresStore(
	url: string,
	dataDirectory: string,
	options: Partial<PostgresStoreOptions> = {},
): Promise<PostgresStore> {
	return createPostgresStore({
		url,
		dataDirectory,
		connectionsMax: 4,
		clock: systemClock,
		onProblem: () => {},
		...options,
	});
}

async function postgresBackend(server: PostgresServer | undefined): Promise<Backend> {
	const database = await server?.database();
	const url = database?.url ?? "";
	const place = temporaryDirectory();
	const store = await openPostgresStore(url, place.directory);
	const open = [store];
	await store.attempts.recover(0);
	const close = () => Promise.all(open.splice(0).map((one) => one.close()));
	return {
		store,
		async restart() {
			await close();
			const next = await openPostgresStore(url, place.directory);
			open.push(next);
			return next;
		},
		async remove() {
			await close();
			await database?.drop();
			place[Symbol.dispose]();
		},
	};
}

async function sqlite(): Promise<Backend> {
	const place = temporaryDirectory();
	const store = await openStore(place);
	const open = [store];
	const close = () => Promise.all(open.splice(0).map((one) => one.close()));
	return {
		store,
		async restart() {
			await close();
			const next = await openStore(place);
			open.push(next);
			return next;
		},
		async remove() {
			await close();
			place[Symbol.dispose]();
		},
	};
}

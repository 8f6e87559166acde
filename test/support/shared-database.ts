import type { Change, ChangeFeed } from "../../src/instances/types.ts";
import type { KeyRecord } from "../../src/keys/types.ts";
import type { TeamOverrides } from "../../src/limits/team-types.ts";
import type { DeploymentStateStore, KeyStore, TeamStore } from "../../src/store/types.ts";

type StoredKey = KeyRecord & { readonly hash: string };
export type Statement = keyof KeyStore | "teams" | "setTeam" | "disabled" | "setEnabled" | "next";
export type Leg = "there" | "back";

/**
 * Awaited on the way to the database and on the way back: where a test holds a statement, or loses it. What is lost on
 * the way back was done all the same.
 */
export type Travel = (leg: Leg, statement: Statement) => Promise<void>;

/** What one instance sees of the database. */
export interface Connection {
	readonly keys: KeyStore;
	readonly teams: TeamStore;
	readonly states: DeploymentStateStore;
	/** Begins where the connection was made. */
	readonly feed: ChangeFeed;
}

/** A database that several instances share, in memory. Each write puts a row into its changes, as the real one does. */
export function createSharedDatabase() {
	const keys = new Map<string, StoredKey>();
	const teams = new Map<string, TeamOverrides>();
	const disabled = new Set<string>();
	const changes: Change[] = [];
	const tables = { keys, teams, disabled, changes };
	return {
		...tables,
		/** A last use that some instance has written. */
		used(id: string, atMs: number) {
			const row = keys.get(id);
			if (row !== undefined) {
				keys.set(id, { ...row, lastUsedAt: atMs });
			}
		},
		connect(travel: Travel = () => Promise.resolve()): Connection {
			async function run<Result>(statement: Statement, work: () => Result): Promise<Result> {
				await travel("there", statement);
				const result = work();
				await travel("back", statement);
				return result;
			}
			return { ...connectRest(tables, run), keys: connectKeys(tables, run) };
		},
	};
}

interface Tables {
	readonly keys: Map<string, StoredKey>;
	readonly teams: Map<string, TeamOverrides>;
	readonly disabled: Set<string>;
	readonly changes: Change[];
}
type Run = <Result>(statement: Statement, work: () => Result) => Promise<Result>;

function connectKeys({ keys, changes }: Tables, run: Run): KeyStore {
	const withoutHash = ({ hash: _, ...record }: StoredKey): KeyRecord => record;
	const unrevoked = (id: string) => {
		const row = keys.get(id);
		return row?.revokedAt === undefined ? row : undefined;
	};
	const write = (row: StoredKey) => {
		keys.set(row.id, row);
		changes.push({ kind: "key", id: row.id });
	};
	return {
		all: () => run("all", () => [...keys.values()]),
		insert: (row) => run("insert", () => write(row)),
		get: (id) => run("get", () => unrevoked(id)),
		some: (ids) => run("some", () => ids.flatMap((id) => keys.get(id) ?? [])),
		list: () =>
			run("list", () => ({
				keys: [...keys.values()].filter(({ revokedAt }) => revokedAt === undefined).map(withoutHash),
				nextAfter: undefined,
			})),
		update: (id, settings) =>
			run("update", () => {
				const row = unrevoked(id);
				if (row === undefined) {
					return undefined;
				}
				write({ ...row, ...settings });
				return withoutHash({ ...row, ...settings });
			}),
		revoke: (id, atMs) =>
			run("revoke", () => {
				const row = unrevoked(id);
				if (row !== undefined) {
					write({ ...row, revokedAt: atMs });
				}
				return row !== undefined;
			}),
		touch: () => run("touch", () => {}),
	};
}

function connectRest({ teams, disabled, changes }: Tables, run: Run): Omit<Connection, "keys"> {
	let told = changes.length;
	return {
		teams: {
			all: () => run("teams", () => new Map(teams)),
			set: (team, overrides) =>
				run("setTeam", () => {
					if (Object.keys(overrides).length === 0) {
						teams.delete(team);
					} else {
						teams.set(team, overrides);
					}
					changes.push({ kind: "team", id: team });
				}),
		},
		states: {
			disabled: () => run("disabled", () => new Set(disabled)),
			setEnabled: (id, enabled) =>
				run("setEnabled", () => {
					if (enabled) {
						disabled.delete(id);
					} else {
						disabled.add(id);
					}
					changes.push({ kind: "deployment", id });
				}),
		},
		feed: {
			async next() {
				const { news, upTo } = await run("next", () => ({ news: changes.slice(told), upTo: changes.length }));
				told = upTo;
				return news;
			},
		},
	};
}

/** Statements that a test has stopped on their way. */
export function createRoad() {
	const held = new Map<string, { readonly reached: () => void; readonly go: Promise<void> }>();
	let isCut = false;
	const counts = new Map<Statement, number>();
	return {
		travel: (async (leg, statement) => {
			if (leg === "there") {
				counts.set(statement, (counts.get(statement) ?? 0) + 1);
			}
			if (isCut) {
				throw new Error("connection lost");
			}
			const stop = held.get(`${leg} ${statement}`);
			held.delete(`${leg} ${statement}`);
			stop?.reached();
			await stop?.go;
		}) satisfies Travel,
		/** How often a statement was sent. */
		sent: (statement: Statement) => counts.get(statement) ?? 0,
		/** Every statement is lost, in either direction, until it is mended. */
		cut(cut: boolean) {
			isCut = cut;
		},
		/** Stops the next statement of this name there. */
		hold(leg: Leg, statement: Statement) {
			const reached = Promise.withResolvers<void>();
			const go = Promise.withResolvers<void>();
			held.set(`${leg} ${statement}`, { reached: reached.resolve, go: go.promise });
			return {
				reached: reached.promise,
				release: () => go.resolve(),
				lose: () => go.reject(new Error("connection lost")),
			};
		},
	};
}

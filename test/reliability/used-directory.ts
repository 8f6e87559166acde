import { Database } from "bun:sqlite";
import { cpSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { databaseIn } from "./books.ts";
import { exchange } from "./exchange.ts";
import { killNow, mintKey, type Rig, type RigKey, stopCleanly } from "./rig.ts";

/** Data directories that a gateway has worked in: one it left in peace, one that it was killed in. */
export interface UsedDirectories {
	readonly key: RigKey;
	/** A fresh copy. `killed`: with a log (`-wal`) that was never copied back. */
	copy(state: "stopped" | "killed"): string;
}

const REQUESTS = 40;

export async function useDirectories(rig: Rig): Promise<UsedDirectories> {
	const first = await rig.start("golden");
	const key = await mintKey(first, { name: "golden" });
	const ask = (url: string) =>
		exchange({ url, key: key.secret, body: { model: "chat", messages: [{ role: "user", content: "Say hello." }] } });
	for (let count = 0; count < REQUESTS; count += 1) {
		await ask(first.url);
	}
	await stopCleanly(first);
	cpSync(rig.dataDirectory("golden"), rig.dataDirectory("stopped"), { recursive: true });
	const second = await rig.start("golden");
	for (let count = 0; count < REQUESTS; count += 1) {
		await ask(second.url);
	}
	await killNow(second);
	let copies = 0;
	return {
		key,
		copy(state) {
			copies += 1;
			const directory = rig.dataDirectory(`copy-${copies}`);
			cpSync(rig.dataDirectory(state === "stopped" ? "stopped" : "golden"), directory, { recursive: true });
			return directory;
		},
	};
}

/**
 * Every file's bytes, by name. Left out are the lock, which is empty and not there until somebody starts, and `-shm`, an
 * index of the log that every reader makes anew.
 */
export function bytesOf(directory: string): Readonly<Record<string, string>> {
	const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
	const files = names.filter((name) => !/\.(lock|db-shm)$/.test(name) && statSync(join(directory, name)).isFile());
	return Object.fromEntries(
		files.sort().map((name) => {
			const bytes = readFileSync(join(directory, name));
			return [name, `${bytes.length} bytes, ${Bun.hash(bytes).toString(16)}`];
		}),
	);
}

/** What the books of a directory hold, read from a copy so that the reading changes nothing. */
export function contentOf(
	directory: string,
	scratch: string,
): { readonly keys: number; readonly rows: number; readonly nano: string } {
	cpSync(directory, scratch, { recursive: true });
	const client = new Database(databaseIn(scratch));
	try {
		const found = client
			.query<{ keys: number; rows: number; nano: string }, []>(
				`select (select count(*) from virtual_keys) as keys, (select count(*) from attempts) as rows,
				 (select cast(coalesce(sum(cost_nano), 0) as text) from attempts) as nano`,
			)
			.get();
		return found ?? { keys: 0, rows: 0, nano: "0" };
	} finally {
		client.close();
		rmSync(scratch, { recursive: true, force: true });
	}
}

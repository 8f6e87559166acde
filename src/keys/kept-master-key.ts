import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The file in the data directory that holds a generated master key. */
export const MASTER_KEY_FILE = "master-key";

/** The master key of a gateway whose operator has not chosen one: generated once, kept `0600` in the data directory. */
export function keptMasterKey(dataDirectory: string): {
	readonly text: string;
	readonly generated: boolean;
	readonly file: string;
} {
	const file = join(dataDirectory, MASTER_KEY_FILE);
	if (existsSync(file)) {
		return { text: readFileSync(file, "utf8").trim(), generated: false, file };
	}
	mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
	const text = `gw_master_${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url")}`;
	writeFileSync(file, `${text}\n`, { mode: 0o600, flag: "wx" });
	return { text, generated: true, file };
}

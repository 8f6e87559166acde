import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensurePrivateDirectory } from "../store/private-files.ts";

/** The file in the data directory that holds a generated master key. */
export const MASTER_KEY_FILE = "master-key";

/**
 * The master key of a gateway whose operator has not chosen one: generated once, kept `0600` in the data directory.
 * @throws StoreRefused when that directory cannot be written.
 */
export function keptMasterKey(dataDirectory: string): {
	readonly text: string;
	readonly generated: boolean;
	readonly file: string;
} {
	const file = join(dataDirectory, MASTER_KEY_FILE);
	if (existsSync(file)) {
		return { text: readFileSync(file, "utf8").trim(), generated: false, file };
	}
	ensurePrivateDirectory(dataDirectory);
	const text = `gw_master_${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url")}`;
	writeFileSync(file, `${text}\n`, { mode: 0o600, flag: "wx" });
	return { text, generated: true, file };
}

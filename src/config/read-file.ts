import { readFile, stat } from "node:fs/promises";
import { CONFIG_CHARACTERS_MAX, failed, type LoadResult } from "./load.ts";

/** A UTF-8 character takes at most this many bytes for each UTF-16 code unit. */
const BYTES_PER_CHARACTER_MAX = 3;

const REASONS: Readonly<Record<string, string>> = {
	ENOENT: "does not exist",
	EACCES: "cannot be read: permission denied",
	EISDIR: "is a directory",
	ENOTDIR: "does not exist",
};

/** Reads a configuration file as UTF-8 text of bounded size. What goes wrong is a problem like any other. */
export async function readConfigFile(
	path: string,
): Promise<{ readonly ok: true; readonly text: string } | (LoadResult & { readonly ok: false })> {
	try {
		const { size } = await stat(path);
		if (size > CONFIG_CHARACTERS_MAX * BYTES_PER_CHARACTER_MAX) {
			return failed(path, `is larger than ${CONFIG_CHARACTERS_MAX} characters`);
		}
		return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path)) };
	} catch (error) {
		if (error instanceof TypeError) {
			return failed(path, "is not UTF-8 text");
		}
		const code = error instanceof Error && "code" in error ? String(error.code) : "";
		return failed(path, REASONS[code] ?? `cannot be read${code === "" ? "" : ` (${code})`}`);
	}
}

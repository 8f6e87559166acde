import { chmodSync } from "node:fs";
import { openDatabase } from "../../../src/store/open.ts";
import { openOptions } from "./ledger-samples.ts";

/** Run by open.test.ts: takes the right to write away, root's too, and tries to open. */
const [which, directory = "", database = ""] = process.argv.slice(2);

chmodSync(database, which === "file" ? 0o444 : 0o666);
for (const file of [`${database}.lock`, `${database}.instance`]) {
	chmodSync(file, 0o666);
}
chmodSync(directory, which === "directory" ? 0o555 : 0o777);
if (process.getuid?.() === 0) {
	// Nobody's rights: root may write everywhere.
	process.setegid?.(65_534);
	process.seteuid?.(65_534);
}
try {
	openDatabase(openOptions({ directory, database })).close();
	console.log("opened");
} catch (error) {
	console.log(String(error));
}

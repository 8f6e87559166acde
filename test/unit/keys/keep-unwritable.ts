import { chmodSync } from "node:fs";
import { join } from "node:path";
import { keptMasterKey } from "../../../src/keys/kept-master-key.ts";

/** Run by kept-master-key.test.ts: takes the right to write away, root's too, and asks for a key below the folder. */
const [folder = "", name = ""] = process.argv.slice(2);

chmodSync(folder, 0o555);
if (process.getuid?.() === 0) {
	// Nobody's rights: root may write everywhere.
	process.setgid?.(65_534);
	process.setuid?.(65_534);
}
try {
	keptMasterKey(join(folder, name));
	console.log("kept");
} catch (error) {
	console.log(String(error));
}

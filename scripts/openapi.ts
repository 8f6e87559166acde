/**
 * Writes docs/openapi.json from the schemas in the code. With --check it writes nothing and fails when the file is not
 * current.
 */
import { openApiText } from "../src/http/openapi.ts";

const path = new URL("../docs/openapi.json", import.meta.url);
const expected = openApiText();

if (process.argv.includes("--check")) {
	const file = Bun.file(path);
	if (!(await file.exists()) || (await file.text()) !== expected) {
		console.error("docs/openapi.json is not current: run `bun scripts/openapi.ts`.");
		process.exitCode = 1;
	}
} else {
	await Bun.write(path, expected);
}

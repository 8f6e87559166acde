import { expect, test } from "bun:test";
import { join } from "node:path";
import { renderReference } from "../../../scripts/config-reference.ts";
import { ownerExample } from "./config-fixtures.ts";

test("docs/configuration.md is what the schemas say", async () => {
	const current = await Bun.file(join(import.meta.dir, "../../../docs/configuration.md")).text();
	expect(current === renderReference(await ownerExample())).toBe(true);
});

import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configText } from "../support/gateway-config.ts";
import { runCommand } from "../support/process.ts";
import type { Audit } from "./audit.ts";
import type { Rig } from "./rig.ts";

/**
 * The command that operators have says the same as the audit: no differences. A call that was given up on its way to the
 * provider is charged for its prompt, since nobody knows how far it got: `reconcile` notes it.
 * @param torn Rows of streams that broke off, of which less was read than the provider bills: it names them.
 */
export async function reconcileBooks(
	rig: Rig,
	dataDirectory: string,
	{ statement, unsentCharged }: Pick<Audit, "statement" | "unsentCharged">,
	torn: readonly { readonly request_id: string }[] = [],
) {
	const configPath = join(rig.directory, "reconcile.json");
	const statementPath = join(rig.directory, "statement.jsonl");
	writeFileSync(configPath, configText(rig.config));
	writeFileSync(statementPath, statement.join("\n"));
	const args = ["--config", configPath, "--data", dataDirectory, "--upstream", statementPath, "--json"];
	const { code, stdout, stderr } = await runCommand(["reconcile", ...args]);
	const told = stdout === "" ? { differences: [stderr], notes: [] } : JSON.parse(stdout);
	const named: readonly string[] = told.differences.map((found: { kind: string; request_id?: string }) =>
		found.kind === "usage" || found.kind === "upstream_cost" ? found.request_id : JSON.stringify(found),
	);
	expect(named.toSorted()).toEqual(torn.map(({ request_id: id }) => id).sort());
	expect(code).toBe(named.length === 0 ? 0 : 1);
	const noted = told.notes.filter(({ kind }: { kind: string }) => kind === "not_at_upstream");
	const names = (rows: readonly { request_id: string }[]) => rows.map(({ request_id: id }) => id).sort();
	expect(names(noted)).toEqual(expect.arrayContaining(names(unsentCharged)));
	return { reconciled: told.upstream.lines, notes: told.notes.length, given_up_on_the_way: unsentCharged.length };
}

import { expect } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Ajv from "ajv/dist/2020.js";
import { Elysia } from "elysia";
import { deploymentsController } from "../../../src/admin/deployments/index.ts";
import { keysController } from "../../../src/admin/keys/index.ts";
import { ownRequestsController, requestsController } from "../../../src/admin/requests/index.ts";
import { spendController } from "../../../src/admin/spend/index.ts";
import { teamsController } from "../../../src/admin/teams/index.ts";
import type { ConfigSource, Snapshot } from "../../../src/config/types.ts";
import { errors } from "../../../src/http/errors.ts";
import { openApiDocument } from "../../../src/http/openapi.ts";
import { createKeyDirectory } from "../../../src/keys/directory.ts";
import { isJsonObject, type JsonObject } from "../../../src/lib/json-types.ts";
import { createBudgetBook } from "../../../src/limits/budget.ts";
import { createMemoryLimiter } from "../../../src/limits/memory.ts";
import { createTeamDirectory } from "../../../src/limits/team-directory.ts";
import { createHealthBook } from "../../../src/routing/health.ts";
import { createRotation } from "../../../src/routing/rotation.ts";
import { createSqliteStore } from "../../../src/store/sqlite-store.ts";
import type { AttemptRow, AttemptWriter, StoreProblem } from "../../../src/store/types.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { createFakeClock } from "../limits/fake-clock.ts";

export const NOW = Date.UTC(2026, 10, 15, 12);

/** A real store and the real key directory over it, in a temporary folder. */
export async function openParts() {
	const clock = createFakeClock(NOW);
	const dataDirectory = await mkdtemp(join(tmpdir(), "gateway-admin-"));
	const problems: StoreProblem[] = [];
	const store = await createSqliteStore({
		dataDirectory,
		path: join(dataDirectory, "gateway.db"),
		clock,
		onProblem: (problem) => problems.push(problem),
	});
	const keys = await createKeyDirectory({ store, clock, flushMs: 60_000 });
	return {
		clock,
		store,
		keys,
		async [Symbol.asyncDispose]() {
			await keys.close();
			await store.close();
			await rm(dataDirectory, { recursive: true, force: true });
			expect(problems).toEqual([]);
		},
	};
}

/** Rows of the ledger as requests would have left them. */
export async function writeRows(writer: AttemptWriter, rows: readonly AttemptRow[]): Promise<void> {
	for (const { opening, openedAtMs, closing, settledAtMs } of rows) {
		writer.opened({ ...opening, budgets: [] }, openedAtMs);
		if (closing !== undefined) {
			await writer.settled({ ...opening, budgets: [] }, openedAtMs, closing, settledAtMs ?? openedAtMs);
		}
	}
	await writer.flush();
}

/** The admin API as the gateway mounts it, less its authentication. */
export async function createAdmin(
	given: { readonly snapshot?: Partial<Snapshot>; readonly rows?: readonly AttemptRow[] } = {},
) {
	const parts = await openParts();
	const { clock, store, keys } = parts;
	await writeRows(store.writer, given.rows ?? []);
	const limiter = createMemoryLimiter({ clock });
	const budgets = createBudgetBook({ clock, spent: new Map() });
	const health = createHealthBook({ clock, random: () => 0.5 });
	const rotation = createRotation({ states: store.deploymentStates, clock });
	// Only the parts of a snapshot that the admin API looks at are ever there.
	const snapshot = {
		aliases: new Map(),
		deployments: new Map(),
		teamBudgets: new Map(),
		...given.snapshot,
	} as Snapshot;
	const config: ConfigSource = { current: () => snapshot };
	const logger = createLogger({ write: () => {}, format: "json", level: "error", now: () => clock.now() });
	const { attempts, unserved } = store;
	const teams = await createTeamDirectory({ store: store.teams, config, clock });
	const app = new Elysia()
		.use(errors(logger))
		.use(keysController({ keys, limiter, budgets, clock }))
		.use(teamsController({ teams, keys, limiter, budgets }))
		.use(deploymentsController({ config, health, rotation }))
		.use(spendController({ attempts, clock }))
		.use(requestsController({ attempts, unserved, config }))
		.use(
			ownRequestsController({
				...{ attempts, unserved, config },
				authenticate: (request) => keys.verify((request.headers.get("authorization") ?? "").replace("Bearer ", "")),
				remaining: () => undefined,
			}),
		);

	async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
		const answer = await app.handle(
			new Request(`http://localhost${path}`, {
				method,
				headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
				...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
			}),
		);
		const text = await answer.text();
		const json: unknown = answer.headers.get("content-type")?.startsWith("application/json") ? JSON.parse(text) : {};
		return { status: answer.status, headers: answer.headers, text, json: isJsonObject(json) ? json : {} };
	}

	return { ...parts, call, limiter, budgets, teams, health, rotation };
}

/** `type` and `param` of an error answer, for tables of refusals. */
export function refusalOf(answer: { readonly status: number; readonly json: JsonObject }) {
	const error = isJsonObject(answer.json.error) ? answer.json.error : {};
	return { status: answer.status, type: error.type, param: error.param };
}

const document = openApiDocument();
const ajv = new Ajv({ strict: false, validateFormats: false });
ajv.addSchema(document, "openapi.json");

/** The answer is what the OpenAPI document promises, with no field that it does not name. */
export function expectDocumented(schemaName: string, answer: JsonObject): void {
	const validate = ajv.getSchema(`openapi.json#/components/schemas/${schemaName}`);
	if (validate === undefined) {
		throw new Error(`The document has no schema ${schemaName}.`);
	}
	const valid = validate(answer);
	expect({ schemaName, valid, errors: validate.errors ?? [] }).toEqual({ schemaName, valid: true, errors: [] });
	const { schema } = validate;
	const properties = isJsonObject(schema) && isJsonObject(schema.properties) ? schema.properties : {};
	expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(answer)));
}

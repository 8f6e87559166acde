import { expect } from "bun:test";
import Ajv from "ajv/dist/2020.js";
import { Elysia } from "elysia";
import { deploymentsController } from "../../../src/admin/deployments/index.ts";
import { keysController } from "../../../src/admin/keys/index.ts";
import { ownRequestsController, requestsController } from "../../../src/admin/requests/index.ts";
import { spendController } from "../../../src/admin/spend/index.ts";
import type { ConfigSource, Snapshot } from "../../../src/config/types.ts";
import { errors } from "../../../src/http/errors.ts";
import { openApiDocument } from "../../../src/http/openapi.ts";
import type { KeyDirectory } from "../../../src/keys/types.ts";
import { isJsonObject, type JsonObject } from "../../../src/lib/json-types.ts";
import { createBudgetBook } from "../../../src/limits/budget.ts";
import { createMemoryLimiter } from "../../../src/limits/memory.ts";
import { createHealthBook } from "../../../src/routing/health.ts";
import { createRotation } from "../../../src/routing/rotation.ts";
import type { AttemptReader, DeploymentStateStore } from "../../../src/store/types.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { createFakeClock } from "../limits/fake-clock.ts";

export const NOW = Date.UTC(2026, 10, 15, 12);

/** The admin API on real limits, budgets, health and rotation. */
export function createAdmin(parts: {
	readonly keys: KeyDirectory;
	readonly attempts: AttemptReader;
	readonly states: DeploymentStateStore;
	readonly snapshot?: Partial<Snapshot>;
}) {
	const clock = createFakeClock(NOW);
	const limiter = createMemoryLimiter({ clock });
	const budgets = createBudgetBook({ clock, spent: new Map() });
	const health = createHealthBook({ clock, random: () => 0.5 });
	const rotation = createRotation({ states: parts.states, clock });
	// Only the parts of a snapshot that the admin API looks at are ever there.
	const snapshot = { aliases: new Map(), deployments: new Map(), ...parts.snapshot } as Snapshot;
	const config: ConfigSource = { current: () => snapshot };
	const logs: string[] = [];
	const logger = createLogger({
		write: (line) => logs.push(line),
		format: "json",
		level: "warn",
		now: () => clock.now(),
	});
	const { keys, attempts } = parts;
	const app = new Elysia()
		.use(errors(logger))
		.use(keysController({ keys, limiter, budgets, clock }))
		.use(deploymentsController({ config, health, rotation }))
		.use(spendController({ attempts, clock }))
		.use(requestsController({ attempts }))
		.use(
			ownRequestsController({
				attempts,
				authenticate: (request) => keys.verify((request.headers.get("authorization") ?? "").replace("Bearer ", "")),
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

	return { call, clock, limiter, budgets, health, rotation, logs };
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

import { describe, expect, test } from "bun:test";
import Ajv from "ajv/dist/2020.js";
import { HEADERS } from "../../../src/http/openapi/components.ts";
import { openApiDocument, openApiText } from "../../../src/http/openapi.ts";
import { ERROR_STATUSES } from "../../../src/lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../../src/lib/json-types.ts";

const document: JsonObject = JSON.parse(openApiText());
const METHODS = ["get", "post", "patch", "delete", "put"];

interface Operation {
	readonly path: string;
	readonly method: string;
	readonly node: JsonObject;
}

function operations(): readonly Operation[] {
	return Object.entries(object(document.paths)).flatMap(([path, item]) =>
		Object.entries(object(item)).map(([method, node]) => ({ path, method, node: object(node) })),
	);
}

function object(value: unknown): JsonObject {
	if (!isJsonObject(value)) {
		throw new Error(`Not an object: ${JSON.stringify(value)}`);
	}
	return value;
}

function resolve(reference: string): unknown {
	return reference
		.slice(2)
		.split("/")
		.reduce<unknown>((node, step) => (isJsonObject(node) ? node[step] : undefined), document);
}

function references(node: unknown): readonly string[] {
	if (Array.isArray(node)) {
		return node.flatMap(references);
	}
	if (!isJsonObject(node)) {
		return [];
	}
	const own = typeof node.$ref === "string" ? [node.$ref] : [];
	return [...own, ...Object.values(node).flatMap(references)];
}

describe("the OpenAPI document", () => {
	test("is the one that is kept in the repository", async () => {
		const kept = await Bun.file(new URL("../../../docs/openapi.json", import.meta.url)).text();
		expect(kept === openApiText(), "docs/openapi.json is not current: run `bun scripts/openapi.ts`").toBe(true);
	});

	test("describes every route of the gateway", () => {
		const routes = operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`);
		expect(routes.toSorted()).toEqual(
			[
				"POST /v1/chat/completions",
				"POST /v1/responses",
				"GET /v1/responses/{id}",
				"DELETE /v1/responses/{id}",
				"GET /v1/responses/{id}/input_items",
				"POST /v1/responses/{id}/cancel",
				"POST /v1/conversations",
				"GET /v1/conversations/{id}",
				"POST /v1/conversations/{id}",
				"DELETE /v1/conversations/{id}",
				"GET /v1/conversations/{id}/items",
				"POST /v1/conversations/{id}/items",
				"GET /v1/conversations/{id}/items/{item_id}",
				"DELETE /v1/conversations/{id}/items/{item_id}",
				"POST /v1/completions",
				"POST /v1/embeddings",
				"POST /v1/moderations",
				"POST /v1/images/generations",
				"POST /v1/images/edits",
				"POST /v1/audio/transcriptions",
				"POST /v1/audio/translations",
				"POST /v1/audio/speech",
				"GET /v1/models",
				"GET /v1/models/{id}",
				"GET /v1/me",
				"GET /v1/requests/{id}",
				"POST /admin/keys",
				"GET /admin/keys",
				"GET /admin/keys/{id}",
				"PATCH /admin/keys/{id}",
				"DELETE /admin/keys/{id}",
				"GET /admin/teams/{team}",
				"PUT /admin/teams/{team}",
				"GET /admin/deployments",
				"POST /admin/deployments/disable",
				"POST /admin/deployments/enable",
				"GET /admin/spend",
				"GET /admin/requests/{id}",
				"GET /admin/routing/report",
				"GET /health",
				"GET /health/ready",
				"GET /metrics",
				"GET /openapi.json",
				"GET /docs",
			].toSorted(),
		);
	});

	test("has the parts that 3.1 demands, and only references that lead somewhere", () => {
		expect(document.openapi).toMatch(/^3\.1\.\d$/);
		expect(object(document.info)).toMatchObject({ title: expect.any(String), version: expect.any(String) });
		expect(references(document).filter((reference) => resolve(reference) === undefined)).toEqual([]);
		expect(references(document).every((reference) => reference.startsWith("#/components/"))).toBe(true);
		const used = new Set(references(document));
		for (const section of ["schemas", "responses", "headers"]) {
			const unused = Object.keys(object(object(document.components)[section])).filter(
				(name) => !used.has(`#/components/${section}/${name}`),
			);
			expect({ section, unused }).toEqual({ section, unused: [] });
		}
	});

	test("holds nothing but JSON Schema 2020-12, which compiles", () => {
		const text = JSON.stringify(object(document.components).schemas);
		expect(text).not.toMatch(/"nullable"|\$defs|"\$id"|"\$schema"/);
		const definitions = object(JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")));
		const ajv = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true, validateFormats: false });
		for (const name of Object.keys(definitions)) {
			expect(() => ajv.compile({ $defs: definitions, $ref: `#/$defs/${name}` })).not.toThrow();
		}
	});

	test.each(operations().map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
		"%s is whole: methods, parameters, security, responses",
		(_, { path, method, node }) => {
			expect(METHODS).toContain(method);
			expect(node).toMatchObject({ operationId: expect.any(String), summary: expect.any(String) });
			const parameters = Array.isArray(node.parameters) ? node.parameters.map(object) : [];
			const declared = parameters.filter((parameter) => parameter.in === "path");
			expect(declared.map((parameter) => parameter.name)).toEqual(
				[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
			);
			expect(declared.every((parameter) => parameter.required === true)).toBe(true);
			const isMasters = path.startsWith("/admin/") || path === "/metrics";
			const plane = isMasters ? "masterKey" : path.startsWith("/v1/") ? "virtualKey" : undefined;
			expect(node.security).toEqual(plane === undefined ? [] : [{ [plane]: [] }]);
			const statuses = Object.keys(object(node.responses));
			expect(statuses.filter((status) => status.startsWith("2"))).toHaveLength(1);
			expect(statuses).toEqual(
				expect.arrayContaining(["400", "405", "500", "503", ...(plane === undefined ? [] : ["401", "429"])]),
			);
		},
	);

	test("names operations once, and tags that exist", () => {
		const ids = operations().map(({ node }) => node.operationId);
		expect(new Set(ids).size).toBe(ids.length);
		const tags = new Set<unknown>((Array.isArray(document.tags) ? document.tags : []).map((tag) => object(tag).name));
		const used = operations().flatMap(({ node }) => (Array.isArray(node.tags) ? node.tags : []));
		expect(new Set<unknown>(used)).toEqual(tags);
	});

	test("tells the gateway's headers on everything that a provider serves", () => {
		const ok = resolve("#/paths");
		const chat = object(object(object(ok)["/v1/chat/completions"]).post);
		const headers = Object.keys(object(object(object(chat.responses)["200"]).headers));
		expect(headers).toEqual(
			expect.arrayContaining([
				"X-Gateway-Decision",
				"X-Gateway-Route-Bucket",
				"X-Gateway-Route-Score",
				"X-Gateway-Cost-Usd",
				"X-Gateway-Retries",
				"X-Request-Id",
			]),
		);
		const patterns = [HEADERS["X-Gateway-Route-Score"], HEADERS["X-Gateway-Cost-Usd"]].map(
			(header) => new RegExp(String(object(header.schema).pattern)),
		);
		expect(patterns.map((pattern, index) => pattern.test(["0.21", "0.000099"][index] ?? ""))).toEqual([true, true]);
	});

	test("describes every error in the one shape, with the types it may have", () => {
		const responses = object(object(document.components).responses);
		for (const [name, node] of Object.entries(responses)) {
			const response = object(node);
			const types = Object.entries(ERROR_STATUSES).filter(([, statuses]) =>
				statuses.some((status) => name === `Error${status}`),
			);
			expect(types.length).toBeGreaterThan(0);
			expect(types.every(([type]) => String(response.description).includes(`\`${type}\``))).toBe(true);
			expect(response.content).toEqual({ "application/json": { schema: { $ref: "#/components/schemas/Error" } } });
		}
		expect(object(object(responses.Error429).headers)).toHaveProperty("Retry-After");
	});

	test("is made anew from the same schemas each time", () => {
		expect(JSON.stringify(openApiDocument())).toBe(JSON.stringify(openApiDocument()));
	});
});

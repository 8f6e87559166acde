import type { z } from "zod";
import { badRequest } from "../lib/errors.ts";

/** Longest field name that is repeated in an answer: what a client sent is not echoed without a bound. */
const FIELD_NAME_MAX = 100;

/**
 * Checks what an administrator sent against a strict schema. The first thing that is wrong is told, with its path.
 * @param unknown What a name that the schema does not have is called.
 * @throws GatewayError 400 with `param` naming the field.
 */
export function parseInput<Schema extends z.ZodType>(
	schema: Schema,
	input: unknown,
	unknown = "Unknown or read-only field",
): z.output<Schema> {
	const result = schema.safeParse(input, {
		error: (issue) => (issue.input === undefined && issue.code === "invalid_type" ? "is required" : undefined),
	});
	if (result.success) {
		return result.data;
	}
	const issue = result.error.issues[0];
	if (issue === undefined) {
		throw new Error("A schema refused its input without an issue.");
	}
	if (issue.code === "unrecognized_keys") {
		const param = fieldName([...issue.path, issue.keys[0] ?? ""]);
		throw badRequest(`${unknown}: ${param}.`, param, "unknown_field");
	}
	const param = fieldName(issue.path);
	throw badRequest(param === undefined ? `${issue.message}.` : `${param}: ${issue.message}.`, param);
}

/**
 * Checks the query string of a request in the same way: an unknown or repeated parameter is an error, since a filter
 * that is silently ignored answers another question than the one that was asked.
 * @throws GatewayError 400 with `param` naming the parameter.
 */
export function parseQuery<Schema extends z.ZodType>(schema: Schema, request: Request): z.output<Schema> {
	const values = new Map<string, string>();
	for (const [name, value] of new URL(request.url).searchParams) {
		if (values.has(name)) {
			const param = fieldName([name]);
			throw badRequest(`${param}: was given more than once.`, param);
		}
		values.set(name, value);
	}
	return parseInput(schema, Object.fromEntries(values), "Unknown parameter");
}

function fieldName(path: readonly PropertyKey[]): string | undefined {
	return path.length === 0 ? undefined : path.map(String).join(".").slice(0, FIELD_NAME_MAX);
}

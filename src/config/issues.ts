import { z } from "zod";
import { nearest } from "../lib/nearest.ts";
import type { Finding, Path } from "./problem.ts";

const KINDS: Readonly<Record<string, string>> = {
	string: "text (put it in quotes if it looks like a number)",
	number: "a number",
	int: "a whole number",
	boolean: "true or false",
	array: "a list",
	object: "a section with keys",
	record: "a section with keys",
};

type RawIssue = z.core.$ZodRawIssue;

/** Words for the issues that zod finds by itself; a schema's own message goes first. */
export function describeIssue(issue: RawIssue): string | undefined {
	if (issue.input === undefined && issue.code !== "custom") {
		return "is missing";
	}
	switch (issue.code) {
		case "invalid_type":
			return `must be ${KINDS[issue.expected] ?? issue.expected}`;
		case "invalid_value":
			return `must be one of ${issue.values.join(", ")}`;
		case "too_small":
			return describeBound(issue.origin, "at least", Number(issue.minimum), issue.inclusive ?? true);
		case "too_big":
			return describeBound(issue.origin, "at most", Number(issue.maximum), issue.inclusive ?? true);
		default:
			return undefined;
	}
}

function describeBound(origin: string, bound: "at least" | "at most", limit: number, inclusive: boolean): string {
	switch (origin) {
		case "string":
			return bound === "at least" && limit === 1 ? "must not be empty" : `must have ${bound} ${limit} characters`;
		case "array":
			return `must have ${bound} ${limit} ${limit === 1 ? "entry" : "entries"}`;
		default:
			return inclusive
				? `must be ${bound} ${limit}`
				: `must be ${bound === "at least" ? "greater" : "less"} than ${limit}`;
	}
}

/** What zod found, as findings; one for each unknown key, with the known key that was probably meant. */
export function toFindings(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): readonly Finding[] {
	// Nothing in a YAML document is keyed by symbols; zod's own type allows them.
	const path = issue.path as Path;
	switch (issue.code) {
		case "unrecognized_keys": {
			const known = knownKeys(schema, path);
			return issue.keys.map((key) => ({
				path: [...path, key],
				message: `unknown key ${JSON.stringify(key)}`,
				at: "key",
				nearest: nearest(key, known),
			}));
		}
		case "invalid_key":
			return [{ path, at: "key", message: issue.issues.map(({ message }) => message).join("; ") }];
		case "invalid_value": {
			const given = valueAt(value, path);
			const meant = typeof given === "string" ? nearest(given, issue.values.map(String)) : undefined;
			return [{ path, message: issue.message, nearest: meant }];
		}
		default:
			return [{ path, message: issue.message }];
	}
}

export function valueAt(value: unknown, path: Path): unknown {
	let current = value;
	for (const step of path) {
		if (typeof current !== "object" || current === null) {
			return undefined;
		}
		current = Reflect.get(current, step);
	}
	return current;
}

/** The keys that a strict object at a path admits. */
function knownKeys(schema: z.ZodType, path: Path): readonly string[] {
	let current = unwrap(schema);
	for (const step of path) {
		const child = childSchema(current, step);
		if (child === undefined) {
			return [];
		}
		current = unwrap(child);
	}
	return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

function childSchema(schema: z.core.$ZodType, step: string | number): z.core.$ZodType | undefined {
	if (schema instanceof z.ZodObject) {
		return schema.shape[step];
	}
	if (schema instanceof z.ZodArray) {
		return schema.element;
	}
	return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** The schema inside optional and default wrappers. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
	let current = schema;
	while (current instanceof z.ZodOptional || current instanceof z.ZodPrefault || current instanceof z.ZodDefault) {
		current = current.unwrap();
	}
	return current;
}

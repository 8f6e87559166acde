import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import { nearest } from "../lib/nearest.ts";
import type { Arguments, OptionSpec } from "./arguments.ts";
import { UsageError } from "./failures.ts";

interface KeyField {
	readonly field: string;
	read(value: string, option: string): JsonValue;
}

const asText = (value: string): JsonValue => value;

/** Options that set a field of a key, with what they become in the body. The gateway has the last word on values. */
const FIELDS: Readonly<Record<string, KeyField>> = {
	name: { field: "name", read: asText },
	team: { field: "team", read: asText },
	models: { field: "models", read: asList },
	rpm: { field: "rpm", read: asNumber },
	tpm: { field: "tpm", read: asNumber },
	budget: { field: "monthly_budget_usd", read: asText },
	parallel: { field: "max_parallel_requests", read: asNumber },
	strategy: { field: "router", read: (value) => ({ force_strategy: value }) },
	expires: { field: "expires_at", read: asText },
	metadata: { field: "metadata", read: asObject },
};

export const KEY_FIELD_OPTIONS: Readonly<Record<string, OptionSpec>> = Object.fromEntries(
	Object.keys(FIELDS).map((option) => [option, { type: "string" }]),
);

/** The fields of a key that were named on the command line. */
export function readKeyFields(options: Arguments): JsonObject {
	const body: JsonObject = {};
	for (const [option, { field, read }] of Object.entries(FIELDS)) {
		const value = options.text(option);
		if (value !== undefined) {
			body[field] = read(value, option);
		}
	}
	return body;
}

/** `--clear rpm,expires`: those fields as null. */
export function readClearedFields(list: string): JsonObject {
	const body: JsonObject = {};
	for (const name of list.split(",").map((entry) => entry.trim())) {
		const field = Object.hasOwn(FIELDS, name) ? FIELDS[name]?.field : undefined;
		if (field === undefined) {
			const meant = nearest(name, Object.keys(FIELDS));
			throw new UsageError(`--clear: unknown field: ${name}${meant === undefined ? "" : `. Did you mean ${meant}?`}`);
		}
		body[field] = null;
	}
	return body;
}

function asList(value: string): JsonValue {
	return value
		.split(",")
		.map((entry) => entry.trim())
		.filter((entry) => entry !== "");
}

function asNumber(value: string, option: string): JsonValue {
	if (!/^\d{1,15}$/.test(value)) {
		throw new UsageError(`--${option} must be a whole number.`);
	}
	return Number(value);
}

function asObject(value: string, option: string): JsonValue {
	const parsed = parseJson(value);
	if (!isJsonObject(parsed)) {
		throw new UsageError(`--${option} must be a JSON object, such as '{"owner":"ann"}'.`);
	}
	return parsed;
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		// The caller says what is expected; where the text breaks off helps nobody on one line.
		return undefined;
	}
}

import { badRequest, type GatewayError } from "../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";

/** Checks the value of one field. Never called with null, which means absent everywhere. Throws GatewayError 400. */
export type FieldRule = (value: JsonValue, param: string) => void;
type FieldRules = ReadonlyMap<string, FieldRule>;

const MODEL_LENGTH_MAX = 256;
const STOP_SEQUENCES_MAX = 4;
const LOGIT_BIAS_ENTRIES_MAX = 1_024;
const METADATA_ENTRIES_MAX = 16;
const METADATA_KEY_LENGTH_MAX = 64;
const METADATA_VALUE_LENGTH_MAX = 512;

/** Largest output bound accepted: providers read it into 32 bits. */
export const OUTPUT_TOKENS_MAX = 2 ** 31 - 1;
export const CHOICES_MAX = 128;

/** Fields by which other gateways let a caller redirect a request, or its key, to a host of the caller's choosing. */
const RESERVED_FIELDS = [
	"api_base",
	"api_key",
	"api_version",
	"aws_access_key_id",
	"aws_bedrock_runtime_endpoint",
	"aws_secret_access_key",
	"aws_session_token",
	"azure_endpoint",
	"base_url",
	"custom_host",
	"custom_llm_provider",
	"extra_body",
	"extra_headers",
	"extra_query",
	"vertex_credentials",
];

/**
 * The rules of one dialect. The fields that no request may carry are added to each.
 * Fields without a rule pass: what a provider adds tomorrow works without a release of ours.
 */
export function fieldRules(rules: Readonly<Record<string, FieldRule>>): FieldRules {
	return new Map([...RESERVED_FIELDS.map((name) => [name, reserved] as const), ...Object.entries(rules)]);
}

/** Looks at the fields a body has, not at those it could have: a plain request costs a few map lookups. */
export function checkFields(json: JsonObject, rules: FieldRules): void {
	for (const name in json) {
		const rule = rules.get(name);
		const value = json[name];
		if (rule !== undefined && value !== undefined && value !== null) {
			rule(value, name);
		}
	}
}

export function mustBe(param: string, expected: string): GatewayError {
	return badRequest(`The field '${param}' must be ${expected}.`, param);
}

export function missing(param: string): GatewayError {
	return badRequest(`The field '${param}' is required.`, param);
}

/** The alias of the request: a name is compared and printed, never used as a path, so any short text is a name. */
export function requiredModel(value: JsonValue | undefined): string {
	if (value === undefined || value === null || value === "") {
		throw missing("model");
	}
	if (typeof value !== "string" || value.length > MODEL_LENGTH_MAX) {
		throw mustBe("model", `a string of 1 to ${MODEL_LENGTH_MAX} characters`);
	}
	return value;
}

function reserved(_value: JsonValue, param: string): void {
	throw badRequest(
		`The field '${param}' is not allowed: where requests go is set in the gateway's configuration.`,
		param,
		"forbidden_field",
	);
}

export const boolean: FieldRule = (value, param) => {
	if (typeof value !== "boolean") {
		throw mustBe(param, "true or false");
	}
};

export const objectValue: FieldRule = (value, param) => {
	if (!isJsonObject(value)) {
		throw mustBe(param, "an object");
	}
};

export function numberBetween(least: number, most: number): FieldRule {
	return (value, param) => {
		if (typeof value !== "number" || !(value >= least && value <= most)) {
			throw mustBe(param, `a number from ${least} to ${most}`);
		}
	};
}

export function integerBetween(least: number, most: number): FieldRule {
	return (value, param) => {
		if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) {
			throw mustBe(param, `a whole number from ${least} to ${most}`);
		}
	};
}

/** Text of at most so many UTF-16 units. */
export function textUpTo(lengthMax: number): FieldRule {
	return (value, param) => {
		if (typeof value !== "string" || value.length > lengthMax) {
			throw mustBe(param, `a string of at most ${lengthMax} characters`);
		}
	};
}

export function oneOf(...words: readonly string[]): FieldRule {
	return (value, param) => {
		if (typeof value !== "string" || !words.includes(value)) {
			throw mustBe(param, `one of ${words.map((word) => `'${word}'`).join(", ")}`);
		}
	};
}

/** A list of at most so many entries, each checked as `param[3]`. */
export function listUpTo(lengthMax: number, entry: FieldRule): FieldRule {
	return (value, param) => {
		if (!Array.isArray(value) || value.length > lengthMax) {
			throw mustBe(param, `a list of at most ${lengthMax} entries`);
		}
		for (const [index, item] of value.entries()) {
			entry(item, `${param}[${index}]`);
		}
	};
}

/** `seed`: OpenAI documents 64 bits, with and without a sign. */
export const seed: FieldRule = (value, param) => {
	if (!Number.isInteger(value) || Math.abs(Number(value)) >= 2 ** 64) {
		throw mustBe(param, "a whole number of at most 64 bits");
	}
};

export const stopSequences: FieldRule = (value, param) => {
	const sequences = typeof value === "string" ? [value] : value;
	const isList = Array.isArray(sequences) && sequences.length <= STOP_SEQUENCES_MAX;
	if (!isList || sequences.some((sequence) => typeof sequence !== "string")) {
		throw mustBe(param, `a string or a list of at most ${STOP_SEQUENCES_MAX} strings`);
	}
};

export const logitBias: FieldRule = (value, param) => {
	const entries = isJsonObject(value) ? Object.values(value) : undefined;
	const valid = entries?.every((bias) => typeof bias === "number" && bias >= -100 && bias <= 100);
	if (entries === undefined || !valid || entries.length > LOGIT_BIAS_ENTRIES_MAX) {
		throw mustBe(param, `an object of at most ${LOGIT_BIAS_ENTRIES_MAX} numbers from -100 to 100`);
	}
};

export const metadata: FieldRule = (value, param) => {
	const entries = isJsonObject(value) ? Object.entries(value) : undefined;
	const valid = entries?.every(
		([key, text]) =>
			key.length <= METADATA_KEY_LENGTH_MAX && typeof text === "string" && text.length <= METADATA_VALUE_LENGTH_MAX,
	);
	if (entries === undefined || !valid || entries.length > METADATA_ENTRIES_MAX) {
		throw mustBe(
			param,
			`an object of at most ${METADATA_ENTRIES_MAX} strings of at most ${METADATA_VALUE_LENGTH_MAX} characters`,
		);
	}
};

/** `stream_options` says how to stream, so it needs a stream. */
export function checkStreamOptions(json: JsonObject): void {
	const options = json.stream_options;
	if (options === undefined || options === null) {
		return;
	}
	if (!isJsonObject(options)) {
		throw mustBe("stream_options", "an object");
	}
	if (json.stream !== true) {
		throw badRequest("The field 'stream_options' is only allowed when 'stream' is true.", "stream_options");
	}
	const includeUsage = options.include_usage;
	if (includeUsage !== undefined && includeUsage !== null) {
		boolean(includeUsage, "stream_options.include_usage");
	}
}

/** Whether the client asked for the usage chunk itself. */
export function asksForUsage(json: JsonObject): boolean {
	const options = json.stream_options;
	return isJsonObject(options) && options.include_usage === true;
}

/** A whole number that a rule has accepted already; undefined when absent. */
export function integerField(json: JsonObject, name: string): number | undefined {
	const value = json[name];
	return typeof value === "number" ? value : undefined;
}

/** A text that a rule has accepted already; undefined when absent. */
export function textField(json: JsonObject, name: string): string | undefined {
	const value = json[name];
	return typeof value === "string" ? value : undefined;
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv, { type ValidateFunction } from "ajv/dist/2020.js";

const DOCUMENT = join(import.meta.dir, "../fixtures/openai-schemas/openapi.json");

export type SchemaName =
	| "CreateChatCompletionResponse"
	| "CreateChatCompletionStreamResponse"
	| "CreateCompletionResponse"
	| "CreateEmbeddingResponse"
	| "CreateModerationResponse"
	| "ErrorResponse"
	| "ImagesResponse"
	| "ListModelsResponse"
	| "Model"
	| "Response";

/** Fields that the document requires and that OpenAI's own recorded answers leave out. */
const NOT_REALLY_REQUIRED = new Set([
	"logprobs",
	"refusal",
	"error",
	"obfuscation",
	"sequence_number",
	"cache_write_tokens",
]);

type Schema = Record<string, unknown>;

interface SchemaSet {
	ajv: Ajv;
	schemas: Record<string, Schema>;
	/** Stream event schemas by their `type`. */
	eventByType: ReadonlyMap<string, string>;
}

let loaded: SchemaSet | undefined;

/** What is wrong with a value by OpenAI's document, one line a fault; empty when it is valid. */
export function schemaFaults(name: SchemaName, value: unknown): string[] {
	return faultsOf(name, value);
}

/** The same for one event of a Responses stream: its branch is picked by `type`, which gives readable messages. */
export function responseEventFaults(event: unknown): string[] {
	const type = typeof event === "object" && event !== null && "type" in event ? String(event.type) : "";
	const name = load().eventByType.get(type);
	return name === undefined ? [`unknown event type ${JSON.stringify(type)}`] : faultsOf(name, event);
}

function faultsOf(name: string, value: unknown): string[] {
	const validate = validatorOf(name);
	if (validate(value)) {
		return [];
	}
	return (validate.errors ?? []).map((fault) => `${fault.instancePath || "/"} ${fault.message ?? ""}`);
}

function validatorOf(name: string): ValidateFunction {
	const { ajv } = load();
	const validate = ajv.getSchema(`openai#/components/schemas/${name}`);
	if (validate === undefined) {
		throw new Error(`no schema ${name} in the document`);
	}
	return validate;
}

function load(): SchemaSet {
	if (loaded !== undefined) {
		return loaded;
	}
	// The fixture's shape is fixed by the file beside it.
	const document = JSON.parse(readFileSync(DOCUMENT, "utf8")) as { components: { schemas: Record<string, Schema> } };
	// Relaxing keeps objects objects.
	const schemas = relax(document.components.schemas) as Record<string, Schema>;
	allowBase64Embedding(schemas);
	// Required by the document, never sent by OpenAI.
	dropRequired(schemas.ResponseFunctionCallArgumentsDoneEvent, "name");
	const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: false });
	ajv.addSchema({ $id: "openai", components: { schemas } });
	loaded = { ajv, schemas, eventByType: eventTypes(schemas) };
	return loaded;
}

/** OpenAI's document is stricter than OpenAI: nullable fields, absent fields, OpenAPI 3.0 leftovers. */
function relax(node: unknown): unknown {
	if (Array.isArray(node)) {
		return node.map(relax);
	}
	if (typeof node !== "object" || node === null) {
		return node;
	}
	const { discriminator, nullable, ...rest } = node as Schema;
	void discriminator;
	const schema: Schema = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, relax(value)]));
	const required = Array.isArray(schema.required)
		? schema.required.filter((name) => !NOT_REALLY_REQUIRED.has(name))
		: [];
	if (Array.isArray(schema.required)) {
		schema.required = required;
	}
	if (isPropertyMap(schema)) {
		schema.properties = Object.fromEntries(
			Object.entries(schema.properties).map(([name, property]) =>
				required.includes(name) && name !== "finish_reason" ? [name, property] : [name, orNull(property)],
			),
		);
	}
	return nullable === true ? orNull(schema) : schema;
}

function isPropertyMap(schema: Schema): schema is Schema & { properties: Record<string, unknown> } {
	return typeof schema.properties === "object" && schema.properties !== null && schema.type !== undefined;
}

function orNull(schema: unknown): Schema {
	return { anyOf: [schema, { type: "null" }] };
}

function allowBase64Embedding(schemas: Record<string, Schema>): void {
	const embedding = schemas.Embedding;
	if (embedding !== undefined && isPropertyMap(embedding)) {
		embedding.properties.embedding = { anyOf: [embedding.properties.embedding, { type: "string" }] };
	}
}

function dropRequired(schema: Schema | undefined, name: string): void {
	if (schema !== undefined && Array.isArray(schema.required)) {
		schema.required = schema.required.filter((entry) => entry !== name);
	}
}

function eventTypes(schemas: Record<string, Schema>): Map<string, string> {
	const byType = new Map<string, string>();
	for (const [name, schema] of Object.entries(schemas)) {
		if (name.startsWith("Response") && name.endsWith("Event") && isPropertyMap(schema)) {
			for (const type of JSON.stringify(schema.properties.type ?? {}).matchAll(/"(response\.[a-z_.]+|error)"/g)) {
				byType.set(type[1] ?? "", name);
			}
		}
	}
	return byType;
}

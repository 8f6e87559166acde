import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** Names what a target cannot express, each once, in the order found. */
export interface Drops {
	/** A path in the client's request, list positions left out: `logit_bias`, `messages[].content[].image_url.detail`. */
	add(path: string): void;
	list(): readonly string[];
}

export function createDrops(): Drops {
	const paths = new Set<string>();
	return { add: (path) => void paths.add(path), list: () => [...paths] };
}

/** Names every field of a request that is neither mapped nor without effect. Nothing is lost that is not named here. */
export function dropUnmapped(json: JsonObject, mapped: ReadonlySet<string>, drops: Drops): void {
	for (const [name, value] of Object.entries(json)) {
		if (value !== undefined && value !== null && !mapped.has(name) && !hasNoEffect(name, value)) {
			drops.add(name);
		}
	}
}

/** Fields that every translator reads by way of `readChatRequest`, or that only say how to answer. */
const READ_BY_ALL: ReadonlySet<string> = new Set(["model", "messages", "stream", "stream_options"]);

/** Values by which a client says what would happen anyway. */
const DEFAULTS: Readonly<Record<string, (value: JsonValue) => boolean>> = {
	n: (value) => value === 1,
	frequency_penalty: (value) => value === 0,
	presence_penalty: (value) => value === 0,
	logit_bias: (value) => isJsonObject(value) && Object.keys(value).length === 0,
	logprobs: (value) => value === false,
	top_logprobs: (value) => value === 0,
	store: (value) => value === false,
	metadata: (value) => isJsonObject(value) && Object.keys(value).length === 0,
	parallel_tool_calls: (value) => value === true,
	tools: (value) => Array.isArray(value) && value.length === 0,
	tool_choice: (value) => value === "auto",
	functions: (value) => Array.isArray(value) && value.length === 0,
	response_format: (value) => isJsonObject(value) && value.type === "text",
	modalities: (value) => Array.isArray(value) && value.every((kind) => kind === "text"),
	service_tier: (value) => value === "auto" || value === "default",
	stop: (value) => Array.isArray(value) && value.length === 0,
	temperature: (value) => value === 1,
	top_p: (value) => value === 1,
};

function hasNoEffect(name: string, value: JsonValue): boolean {
	return READ_BY_ALL.has(name) || DEFAULTS[name]?.(value) === true;
}

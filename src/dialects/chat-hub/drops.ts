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

/** Values by which a client says what would happen anyway. A map, since a request may call its fields anything. */
const DEFAULTS: ReadonlyMap<string, (value: JsonValue) => boolean> = new Map([
	["n", is(1)],
	["frequency_penalty", is(0)],
	["presence_penalty", is(0)],
	["logit_bias", isEmpty],
	["logprobs", is(false)],
	["top_logprobs", is(0)],
	["store", is(false)],
	["metadata", isEmpty],
	["parallel_tool_calls", is(true)],
	["tools", isEmpty],
	["tool_choice", is("auto")],
	["functions", isEmpty],
	["response_format", (value) => isJsonObject(value) && value.type === "text"],
	["modalities", (value) => Array.isArray(value) && value.every((kind) => kind === "text")],
	["service_tier", (value) => value === "auto" || value === "default"],
	["stop", isEmpty],
	["temperature", is(1)],
	["top_p", is(1)],
]);

function is(wanted: JsonValue): (value: JsonValue) => boolean {
	return (value) => value === wanted;
}

function isEmpty(value: JsonValue): boolean {
	return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function hasNoEffect(name: string, value: JsonValue): boolean {
	return READ_BY_ALL.has(name) || DEFAULTS.get(name)?.(value) === true;
}

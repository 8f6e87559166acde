import { badRequest } from "../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import { isPrivateHost } from "../lib/private-address.ts";
import { mustBe } from "./fields.ts";

/**
 * Refuses addresses that a model should not be made to fetch: other schemes than http, https and data, and hosts on a
 * private network, which a model running there (Ollama, vLLM) could reach. A data URL is bounded by the body.
 * @throws GatewayError 400 naming the field.
 */
function checkMediaUrl(url: JsonValue | undefined, param: string): void {
	if (typeof url !== "string" || url === "") {
		throw mustBe(param, "a URL");
	}
	if (url.startsWith("data:")) {
		return;
	}
	const parsed = URL.parse(url);
	if (parsed === null || (parsed.protocol !== "https:" && parsed.protocol !== "http:" && parsed.protocol !== "data:")) {
		throw badRequest(`The field '${param}' must be an http, https or data URL.`, param, "invalid_url");
	}
	if (parsed.protocol !== "data:" && isPrivateHost(parsed.hostname)) {
		throw badRequest(`The field '${param}' must not point to a private address.`, param, "invalid_url");
	}
}

const ABSOLUTE = /^[a-z][a-z0-9+.-]{0,31}:\/\//i;

/**
 * Checks every address in a content part: what stands under `url` or a name ending in `_url`, in OpenAI's nested form or
 * in Mistral's flat one, and any other text that begins like an address (base64 never does).
 * @throws GatewayError 400 naming the field.
 */
export function checkAddresses(part: JsonObject, param: string): void {
	for (const key in part) {
		checkValue(part[key], `${param}.${key}`, key === "url" || key.endsWith("_url"));
	}
}

function checkValue(value: JsonValue | undefined, param: string, isAddress: boolean): void {
	if (isJsonObject(value)) {
		if (isAddress && value.url === undefined) {
			throw mustBe(`${param}.url`, "a URL");
		}
		checkAddresses(value, param);
	} else if (Array.isArray(value)) {
		value.forEach((item, index) => {
			checkValue(item, `${param}[${index}]`, isAddress);
		});
	} else if (
		(isAddress && value !== null && value !== undefined) ||
		(typeof value === "string" && ABSOLUTE.test(value))
	) {
		checkMediaUrl(value, param);
	}
}

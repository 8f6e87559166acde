import type { EndpointParts } from "./types.ts";

/** Paths that Azure serves beside the deployments, not below one. */
const OUTSIDE_DEPLOYMENTS = /^\/responses(?:[/?]|$)/;

/**
 * Azure has two address forms. Dated API versions name the deployment in the path and the version in the query;
 * the v1 API (no version, `v1`, `preview`) is OpenAI's own layout below `/openai/v1`.
 * The base URL is the resource (`https://NAME.openai.azure.com`); a trailing `/openai` or `/openai/v1` is tolerated.
 * @see https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
 */
export function azureUrl(endpoint: EndpointParts, path: string): string {
	const resource = endpoint.baseUrl.replace(/\/openai(?:\/v1)?$/, "");
	const version = endpoint.apiVersion;
	if (version === undefined || version === "v1") {
		return `${resource}/openai/v1${path}`;
	}
	const query = `${path.includes("?") ? "&" : "?"}api-version=${encodeURIComponent(version)}`;
	if (version === "preview") {
		return `${resource}/openai/v1${path}${query}`;
	}
	const below = OUTSIDE_DEPLOYMENTS.test(path) ? "" : `/deployments/${encodeURIComponent(endpoint.model)}`;
	return `${resource}/openai${below}${path}${query}`;
}

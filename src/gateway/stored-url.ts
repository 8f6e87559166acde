import type { Deployment } from "../config/types.ts";

/** Where a provider keeps a response: the address to read, cancel or delete it at. The id must not hold a slash. */
export function storedResponseUrl(deployment: Deployment, id: string, suffix = ""): string {
	const { provider, model } = deployment;
	const path = provider.speech("responses", model)?.path(deployment, false) ?? "/responses";
	return provider.url(deployment, `${path}/${id}${suffix}`);
}

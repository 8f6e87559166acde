import type { Deployment } from "../config/types.ts";

/** Made once for each deployment of a configuration: a reload brings new ones. */
const known = new WeakMap<Deployment, string>();

/**
 * Names the account that a deployment is paid by: its provider, its address and who it says it is. What an account has
 * sealed at OpenAI only its organisation can read, so one that is named in a header goes before the key. Without secrets.
 * @see https://github.com/BerriAI/litellm/pull/21994
 */
export function accountOf(deployment: Deployment): string {
	let account = known.get(deployment);
	if (account === undefined) {
		const { provider, baseUrl, apiKey, aws, serviceAccount, headers } = deployment;
		const organisation = Object.entries(headers).find(([name]) => name.toLowerCase() === "openai-organization")?.[1];
		const credential = organisation ?? apiKey ?? aws?.accessKeyId ?? serviceAccount?.clientEmail ?? "";
		account = `${provider.id} ${baseUrl} ${Bun.hash(credential).toString(36)}`;
		known.set(deployment, account);
	}
	return account;
}

/** The account together with the model: what one model has thought another one of the same account may not read. */
export function readerOf(deployment: Deployment): string {
	return `${accountOf(deployment)} ${deployment.model}`;
}

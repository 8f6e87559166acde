import { forwardedHeaders } from "../lib/headers.ts";
import type { Framing } from "../providers/types.ts";
import type { UpstreamRequest } from "../transport/upstream.ts";
import type { AttemptContext } from "./attempt-result.ts";
import { upstreamBody } from "./upstream-body.ts";
import { upstreamHeaders } from "./upstream-headers.ts";

/**
 * The HTTP call of an attempt. A promise only where a signature or a token has to be made first.
 * @throws CredentialsFailed where the deployment's account gives none.
 */
export function callOf(context: AttemptContext): UpstreamRequest | Promise<UpstreamRequest> {
	const { served, said, spoken, terms, run, freshConnection, deps } = context;
	const { planned, deployment } = served;
	const { provider } = deployment;
	const { speech, translation } = spoken;
	const isForm = planned.body.kind === "multipart" && translation === undefined;
	const call: UpstreamRequest = {
		method: "POST",
		url: provider.url(deployment, speech.path(deployment, planned.envelope.stream)),
		headers: {
			...(translation === undefined ? forwardedHeaders(planned.clientHeaders) : { accept: accepted(context) }),
			"content-type": planned.body.kind === "multipart" && isForm ? planned.body.form.contentType : "application/json",
			...translation?.headers,
			...upstreamHeaders(deployment, planned.scope.requestId),
		},
		body: translation === undefined ? upstreamBody(planned, deployment, terms, said) : JSON.stringify(translation.body),
		signal: run.signal,
		freshConnection,
	};
	const proof = deps.runtime.authorize(call, deployment);
	return proof === undefined ? call : proof.then((headers) => ({ ...call, headers: { ...call.headers, ...headers } }));
}

const STREAM_TYPES: Readonly<Record<Framing, string>> = {
	sse: "text/event-stream",
	"aws-event-stream": "application/vnd.amazon.eventstream",
};

/** What the client accepts says nothing of an answer that is translated. */
function accepted({ served, spoken }: AttemptContext): string {
	return served.planned.envelope.stream ? STREAM_TYPES[spoken.speech.framing] : "application/json";
}

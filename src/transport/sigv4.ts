import { createHash } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";

export interface AwsCredentials {
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
	/** Of temporary credentials. */
	readonly sessionToken?: string | undefined;
}

export interface AwsRequest {
	readonly method: string;
	/**
	 * The address exactly as it is sent: names in its path are percent-encoded once (`encodeURIComponent`), so that the `/`
	 * of an ARN and the `:` of a model's version stay inside their segment.
	 */
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
	/** undefined: none. */
	readonly body?: string | Uint8Array | undefined;
}

/** Added by an HTTP client or a proxy after the signing, or replaced by it. */
const NOT_SENT_ON: ReadonlySet<string> = new Set([
	"authorization",
	"host",
	"content-length",
	"connection",
	"transfer-encoding",
	"x-amz-date",
	"x-amz-security-token",
	"x-amz-content-sha256",
]);

/**
 * Signing keys by account, day, region and service: four of the five digests of a signature are spent on them. Old days and
 * credentials that have run out make room by starting over.
 */
const signingKeys = new Map<string, ArrayBuffer>();
const SIGNING_KEYS_MAX = 256;

/**
 * Signs a request for AWS (Signature Version 4).
 * @param now Date or milliseconds since 1970. AWS refuses requests signed more than five minutes from its own clock.
 * @returns All headers to send, lower-case: those given, and `authorization`, `x-amz-date`, `x-amz-content-sha256`, with
 * temporary credentials `x-amz-security-token`.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export async function signAws(
	request: AwsRequest,
	credentials: AwsCredentials,
	scope: { readonly region: string; readonly service: string },
	now: Date | number = Date.now(),
): Promise<Record<string, string>> {
	const headers: Record<string, string> = {};
	for (const [name, value] of Object.entries(request.headers)) {
		const lowerCase = name.toLowerCase();
		if (!NOT_SENT_ON.has(lowerCase)) {
			headers[lowerCase] = value;
		}
	}
	headers["x-amz-content-sha256"] = createHash("sha256")
		.update(request.body ?? "")
		.digest("hex");
	if (signingKeys.size >= SIGNING_KEYS_MAX) {
		signingKeys.clear();
	}
	const signer = new AwsV4Signer({
		method: request.method,
		url: request.url,
		headers,
		accessKeyId: credentials.accessKeyId,
		secretAccessKey: credentials.secretAccessKey,
		...(credentials.sessionToken ? { sessionToken: credentials.sessionToken } : {}),
		region: scope.region,
		service: scope.service,
		cache: signingKeys,
		datetime: new Date(now).toISOString().replaceAll(/[:-]|\.\d{3}/g, ""),
	});
	const signed = await signer.sign();
	return Object.fromEntries(signed.headers.entries());
}

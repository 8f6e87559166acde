import { createHash, createHmac } from "node:crypto";
import type { ReceivedRequest } from "./upstream.ts";

/** What a request claims to be signed with, and what the signature should be. */
export interface AwsClaim {
	readonly accessKeyId: string;
	/** `us-east-1/bedrock/aws4_request` */
	readonly scope: string;
	readonly signedHeaders: readonly string[];
	readonly claimed: string;
	readonly expected: string;
}

/**
 * AWS Signature Version 4 worked out from what arrived, as AWS does: only with the right key, and with nothing changed on
 * the way, both signatures are the same. Paths of Bedrock are encoded once more than they were sent.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function readAwsClaim(request: ReceivedRequest, secretAccessKey: string): AwsClaim {
	const match =
		/^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
			request.header("authorization") ?? "",
		);
	const [, accessKeyId = "", day = "", scope = "", names = "", claimed = ""] = match ?? [];
	const signedHeaders = names.split(";");
	const [path = "", query = ""] = request.target.split("?");
	const canonical = [
		request.method,
		path.split("/").map(encodeSegment).join("/"),
		query,
		...signedHeaders.map((name) => `${name}:${request.header(name)?.trim() ?? ""}`),
		"",
		names,
		sha256(request.body),
	].join("\n");
	const date = request.header("x-amz-date") ?? "";
	const toSign = ["AWS4-HMAC-SHA256", date, `${day}/${scope}`, sha256(canonical)].join("\n");
	const key = [day, ...scope.split("/")].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
	return { accessKeyId, scope, signedHeaders, claimed, expected: hmac(key, toSign).toString("hex") };
}

function encodeSegment(segment: string): string {
	return encodeURIComponent(segment).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(content: string | Uint8Array): string {
	return createHash("sha256").update(content).digest("hex");
}

function hmac(key: string | Buffer, content: string): Buffer {
	return createHmac("sha256", key).update(content).digest();
}

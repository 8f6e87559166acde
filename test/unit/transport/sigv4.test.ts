import { describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { signAws } from "../../../src/transport/sigv4.ts";

/**
 * AWS's documented algorithm once more, from the side of the server: it knows the request as it came over the wire and the
 * secret. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
function expectedAuthorization(
	request: { method: string; url: string; body: string | Uint8Array },
	headers: Record<string, string>,
	secret: string,
): string {
	const { groups } =
		/^AWS4-HMAC-SHA256 Credential=(?<credential>[^,]+), SignedHeaders=(?<signed>[^,]+), Signature=(?<signature>[0-9a-f]{64})$/.exec(
			headers.authorization ?? "",
		) ?? {};
	const { credential = "", signed = "" } = groups ?? {};
	const [, date = "", region = "", service = "", end = ""] = credential.split("/");
	const [, host = "", path = "/", query = ""] = /^https:\/\/([^/?]+)(\/[^?]*)?(?:\?(.*))?$/.exec(request.url) ?? [];
	const wire: Record<string, string> = { ...headers, host };
	const sha256 = (text: string | Uint8Array) => createHash("sha256").update(text).digest("hex");
	const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
	const canonical = [
		request.method,
		// Every service but S3 encodes the path of the request a second time.
		(path || "/")
			.split("/")
			.map((segment) => uriEncode(segment))
			.join("/"),
		query
			.split("&")
			.filter((pair) => pair !== "")
			.map((pair) => {
				const [name = "", value = ""] = pair.split("=");
				return `${uriEncode(decodeURIComponent(name))}=${uriEncode(decodeURIComponent(value))}`;
			})
			.toSorted()
			.join("&"),
		...signed.split(";").map((name) => `${name}:${(wire[name] ?? "").trim().replaceAll(/ +/g, " ")}`),
		"",
		signed,
		sha256(request.body),
	].join("\n");
	const toSign = [
		"AWS4-HMAC-SHA256",
		wire["x-amz-date"],
		[date, region, service, end].join("/"),
		sha256(canonical),
	].join("\n");
	const key = [date, region, service, end].reduce<string | Buffer>(
		(secretSoFar, part) => hmac(secretSoFar, part),
		`AWS4${secret}`,
	);
	const signature = createHmac("sha256", key).update(toSign).digest("hex");
	return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`;
}

function uriEncode(text: string): string {
	return [...Buffer.from(text)]
		.map((byte) => {
			const character = String.fromCharCode(byte);
			return /[A-Za-z0-9\-._~]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
		})
		.join("");
}

const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const SCOPE = { region: "us-east-1", service: "bedrock" };
const NOW = Date.UTC(2026, 10, 22, 12, 34, 56, 789);
const HOST = "https://bedrock-runtime.us-east-1.amazonaws.com";
const MODELS = [
	"anthropic.claude-3-sonnet-20240229-v1:0",
	"arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
	"arn:aws:bedrock:eu-west-1:012345678901:application-inference-profile/a1b2c3",
	"mein modell (ü) + 100%!*'",
];

describe("signAws", () => {
	test.each(MODELS.flatMap((model) => ["converse", "converse-stream"].map((action) => [model, action] as const)))(
		"signs the path of %s as it is sent",
		async (model, action) => {
			const request = {
				method: "POST",
				url: `${HOST}/model/${encodeURIComponent(model)}/${action}`,
				headers: { "content-type": "application/json", accept: "application/json" },
				body: '{"messages":[]}',
			};
			const headers = await signAws(request, CREDENTIALS, SCOPE, NOW);
			expect(headers.authorization).toBe(
				expectedAuthorization(
					// What a client really sends: the address as it parses it.
					{ ...request, url: new URL(request.url).href },
					headers,
					CREDENTIALS.secretAccessKey,
				),
			);
			expect(new URL(request.url).pathname.split("/").length).toBe(4);
		},
	);

	test("gives every header to send, and the time it was told", async () => {
		const headers = await signAws(
			{ method: "POST", url: `${HOST}/model/m/converse`, headers: { "Content-Type": "application/json" }, body: "{}" },
			{ ...CREDENTIALS, sessionToken: "TOKEN/with+signs==" },
			SCOPE,
			new Date(NOW),
		);
		expect(headers).toMatchObject({
			"content-type": "application/json",
			"x-amz-date": "20261122T123456Z",
			"x-amz-security-token": "TOKEN/with+signs==",
			"x-amz-content-sha256": createHash("sha256").update("{}").digest("hex"),
		});
		expect(headers.authorization).toContain("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,");
	});

	test("signs query strings, session tokens, bodies of bytes and any headers, as the algorithm says", async () => {
		const word = fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" });
		await fc.assert(
			fc.asyncProperty(
				word,
				fc.array(fc.tuple(word, fc.string({ maxLength: 8 })), { maxLength: 4 }),
				fc.uint8Array({ maxLength: 50 }),
				fc.option(
					fc.string({ minLength: 1, maxLength: 20 }).filter((token) => /^[!-~]+$/.test(token)),
					{ nil: undefined },
				),
				async (segment, pairs, body, sessionToken) => {
					const query = pairs.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
					const request = {
						method: "POST",
						url: `${HOST}/model/${encodeURIComponent(segment)}/converse${query === "" ? "" : `?${query}`}`,
						headers: { "content-type": "application/json", "x-amzn-bedrock-trace": "ENABLED", "x-odd": "a   b" },
						body,
					};
					const headers = await signAws(request, { ...CREDENTIALS, sessionToken }, SCOPE, NOW);
					expect(headers.authorization).toBe(
						expectedAuthorization({ ...request, url: new URL(request.url).href }, headers, CREDENTIALS.secretAccessKey),
					);
					expect(headers["x-amz-security-token"]).toBe(sessionToken as string);
				},
			),
			{ numRuns: 300 },
		);
	});

	test("binds the signature to the method, the path, the query, the body, the headers, the time and the secret", async () => {
		const request = { method: "POST", url: `${HOST}/model/m%3A0/converse`, headers: { "x-amzn-a": "1" }, body: "{}" };
		const signature = async (changes: Partial<typeof request>, credentials = CREDENTIALS, now: number = NOW) =>
			(await signAws({ ...request, ...changes }, credentials, SCOPE, now)).authorization;
		const signatures = await Promise.all([
			signature({}),
			signature({ method: "PUT" }),
			signature({ url: `${HOST}/model/m%3A1/converse` }),
			signature({ url: `${request.url}?a=1` }),
			signature({ body: "{} " }),
			signature({ headers: { "x-amzn-a": "2" } }),
			signature({}, CREDENTIALS, NOW + 1_000),
			signature({}, { ...CREDENTIALS, secretAccessKey: "other" }),
		]);
		expect(new Set(signatures).size).toBe(signatures.length);
		expect(await signature({})).toBe(signatures[0]);
	});

	test("replaces what an earlier signing or a client left, and signs nothing that the transport sets itself", async () => {
		const headers = await signAws(
			{
				method: "GET",
				url: `${HOST}/foundation-models`,
				headers: {
					Authorization: "Bearer x",
					Host: "evil.example",
					"X-Amz-Date": "19990101T000000Z",
					"Content-Length": "9",
				},
			},
			CREDENTIALS,
			{ region: "eu-central-1", service: "bedrock" },
			NOW,
		);
		expect(Object.keys(headers).toSorted()).toEqual(["authorization", "x-amz-content-sha256", "x-amz-date"]);
		expect(headers.authorization).toContain("/20261122/eu-central-1/bedrock/aws4_request");
		expect(headers.authorization).toBe(
			expectedAuthorization(
				{ method: "GET", url: `${HOST}/foundation-models`, body: "" },
				headers,
				CREDENTIALS.secretAccessKey,
			),
		);
	});
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAwsClaim } from "../support/aws-signature.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import { nativeReply } from "../support/native/answers.ts";
import { NATIVE_MODELS, nativeDeployment } from "../support/native-deployment.ts";
import { asksForStream, wireOf } from "../support/native-rig.ts";
import { json } from "../support/replies.ts";
import { type ReceivedRequest, startUpstream, type Upstream } from "../support/upstream.ts";

/* How the clouds are told who calls: signatures and tokens, checked as the clouds check them. */
const AWS = { accessKeyId: "AKIACANARY0EXAMPLE00", secretAccessKey: "canary/secret+Key0123456789abcdefghijklmn" };
const SESSION = "canary-session-token//0123456789==";
/** A model by its profile: colons and slashes in one part of the path. */
const PROFILE = "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const ACCOUNT = "gateway@test-project.iam.gserviceaccount.com";
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

let directory: string;
let upstream: Upstream;
let gateway: TestGateway;
let key: string;

beforeAll(async () => {
	upstream = await startUpstream((request) =>
		request.target === "/token"
			? json(200, { access_token: "ya29.canary", expires_in: 3600, token_type: "Bearer" })
			: nativeReply(wireOf(request), { text: "Hello." }, asksForStream(request)),
	);
	directory = await mkdtemp(join(tmpdir(), "gateway-accounts-"));
	const credentials = join(directory, "account.json");
	await writeFile(
		credentials,
		JSON.stringify({
			type: "service_account",
			project_id: "project-of-the-account",
			private_key_id: "kid-1",
			private_key: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
			client_email: ACCOUNT,
			token_uri: `${upstream.url}/token`,
		}),
	);
	const aws = { api_key: null, aws_access_key_id: AWS.accessKeyId, aws_secret_access_key: AWS.secretAccessKey };
	// JSON leaves the undefined project out: it is the account's.
	const google = { api_key: null, credentials_file: credentials };
	gateway = await startTestGateway({
		aliases: {
			signed: nativeDeployment("bedrock", upstream, aws),
			profile: nativeDeployment("bedrock", upstream, { ...aws, model: PROFILE }),
			session: nativeDeployment("bedrock", upstream, { ...aws, aws_session_token: SESSION }),
			vertex: nativeDeployment("vertex", upstream, { ...google, project: undefined }),
			"with-version": nativeDeployment("gemini", upstream, { base_url: `${upstream.url}/v1beta` }),
			"anthropic-v1": nativeDeployment("anthropic", upstream, { base_url: `${upstream.url}/v1` }),
			"cohere-v2": nativeDeployment("cohere", upstream, { base_url: `${upstream.url}/v2` }),
		},
	});
	({ key } = await gateway.mint());
});

afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
	await rm(directory, { recursive: true, force: true });
});

beforeEach(() => upstream.forget());

/** Asks, and expects an answer. @returns the requests that the upstream saw. */
async function ask(alias: string, stream = false): Promise<readonly ReceivedRequest[]> {
	const answer = await gateway.post("/v1/chat/completions", key, chatBody(alias, stream ? { stream } : {}));
	expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
	return upstream.requests;
}

describe("Bedrock by AWS keys", () => {
	const cases = ["signed", "profile", "session"].flatMap((alias) => [false, true].map((stream) => ({ alias, stream })));
	test.each(cases)(
		"$alias, stream: $stream: the signature is the one that AWS would work out",
		async ({ alias, stream }) => {
			const [request] = await ask(alias, stream);
			if (request === undefined) {
				throw new Error("nothing arrived");
			}
			const claim = readAwsClaim(request, AWS.secretAccessKey);
			expect(claim.claimed).toBe(claim.expected);
			expect(claim).toMatchObject({ accessKeyId: AWS.accessKeyId, scope: "us-east-1/bedrock/aws4_request" });
			expect(claim.signedHeaders).toContain("host");
			expect(claim.signedHeaders).toContain("x-amz-date");
			expect(request.header("x-amz-security-token")).toBe(alias === "session" ? SESSION : undefined);
			const model = alias === "profile" ? PROFILE : NATIVE_MODELS.bedrock;
			expect(request.target).toBe(`/model/${encodeURIComponent(model)}/${stream ? "converse-stream" : "converse"}`);
			expect(`${JSON.stringify(request.headers)}${request.text()}`).not.toContain(AWS.secretAccessKey);
		},
	);

	test("another secret makes another signature", async () => {
		const [request] = await ask("signed");
		const claim = request && readAwsClaim(request, "another");
		expect(claim?.claimed).not.toBe(claim?.expected);
	});
});

describe("Vertex AI by a service account", () => {
	test("a token is fetched once, by an assertion that Google would take, and serves every call", async () => {
		const [asked, ...calls] = [...(await ask("vertex"))];
		await ask("vertex", true);
		await ask("vertex");
		expect(upstream.requests.map(({ target }) => target.split("?")[0])).toEqual([
			"/token",
			"/v1beta1/projects/project-of-the-account/locations/us-east5/publishers/google/models/gemini-3-pro-preview:generateContent",
			"/v1beta1/projects/project-of-the-account/locations/us-east5/publishers/google/models/gemini-3-pro-preview:streamGenerateContent",
			"/v1beta1/projects/project-of-the-account/locations/us-east5/publishers/google/models/gemini-3-pro-preview:generateContent",
		]);
		expect(upstream.requests.slice(1).map((request) => request.header("authorization"))).toEqual(
			Array.from({ length: 3 }, () => "Bearer ya29.canary"),
		);
		expect(calls.length).toBe(1);
		const form = new URLSearchParams(asked?.text());
		expect(form.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
		const [head = "", claims = "", signature = ""] = (form.get("assertion") ?? "").split(".");
		const genuine = verify(
			"sha256",
			Buffer.from(`${head}.${claims}`),
			createPublicKey(keys.publicKey.export({ type: "spki", format: "pem" })),
			Buffer.from(signature, "base64url"),
		);
		expect(genuine).toBe(true);
		const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
		expect(read(head)).toMatchObject({ alg: "RS256", kid: "kid-1" });
		const told = read(claims);
		expect(told).toMatchObject({
			iss: ACCOUNT,
			aud: `${upstream.url}/token`,
			scope: "https://www.googleapis.com/auth/cloud-platform",
		});
		expect(told.exp - told.iat).toBeLessThanOrEqual(3600);
	});
});

describe("a base URL that names its version is taken as it is", () => {
	test.each([
		["with-version", `/v1beta/models/${NATIVE_MODELS.gemini}:generateContent`],
		["anthropic-v1", "/v1/messages"],
		["cohere-v2", "/v2/chat"],
	])("%s", async (alias, target) => {
		expect((await ask(alias)).map((request) => request.target)).toEqual([target]);
	});
});

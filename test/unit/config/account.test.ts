import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import type { DeploymentSettings } from "../../../src/config/settings.ts";
import type { Environment } from "../../../src/config/substitute.ts";
import { providers } from "../../../src/providers/registry.ts";

let directory: string;
let keyFile: string;

beforeAll(() => {
	directory = mkdtempSync(join(tmpdir(), "account-"));
	keyFile = join(directory, "account.json");
	const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
	writeFileSync(
		keyFile,
		JSON.stringify({
			type: "service_account",
			project_id: "file-project",
			private_key_id: "k1",
			private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
			client_email: "gateway@file-project.iam.gserviceaccount.com",
			token_uri: "https://oauth2.googleapis.com/token",
		}),
	);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function load(lines: readonly string[], environment: Environment) {
	const text = `model_list:
  - model_alias: a
    deployments:
      - ${lines.join("\n        ")}
`;
	return loadConfig({ text, fileName: "config.yaml", environment, providers, dataDirectory: "/data" });
}

function deploymentOf(lines: readonly string[], environment: Environment = {}): DeploymentSettings {
	const result = load(lines, environment);
	if (!result.ok) {
		throw new Error(result.problems.map(formatProblem).join("\n"));
	}
	const deployment = result.settings.aliases[0]?.deployments[0];
	if (deployment === undefined) {
		throw new Error("no deployment");
	}
	return deployment;
}

function problemsOf(lines: readonly string[], environment: Environment = {}): string {
	const result = load(lines, environment);
	return result.ok ? "" : result.problems.map(formatProblem).join("\n");
}

const BEDROCK = ["provider: bedrock", "model: anthropic.claude-sonnet-4-5-20250929-v1:0"];
const VERTEX = ["provider: vertex", "model: gemini-2.5-pro"];
const AWS = { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret/key+1" };

describe("Bedrock", () => {
	test("signs with the keys and in the region of the environment, as AWS's own tools do", () => {
		const deployment = deploymentOf(BEDROCK, { ...AWS, AWS_SESSION_TOKEN: "token" });
		expect(deployment.aws).toEqual({
			accessKeyId: "AKIAEXAMPLE",
			secretAccessKey: "secret/key+1",
			sessionToken: "token",
		});
		expect(deployment.baseUrl).toBe("https://bedrock-runtime.eu-west-1.amazonaws.com");
	});

	test("takes keys of the file before the environment's, without mixing in a foreign session", () => {
		const lines = [
			...BEDROCK,
			"region: us-east-1",
			"aws_access_key_id: AKIAOTHER",
			"aws_secret_access_key: ${OTHER_SECRET}",
		];
		const deployment = deploymentOf(lines, { ...AWS, AWS_SESSION_TOKEN: "token", OTHER_SECRET: "other" });
		expect(deployment.aws).toEqual({ accessKeyId: "AKIAOTHER", secretAccessKey: "other", sessionToken: undefined });
		expect(deployment.region).toBe("us-east-1");
	});

	test("takes a Bedrock API key in place of AWS keys", () => {
		const deployment = deploymentOf([...BEDROCK, "region: us-east-1", "api_key_env: BEDROCK_KEY"], {
			BEDROCK_KEY: "bedrock-api-key-canary",
		});
		expect(deployment).toMatchObject({ apiKey: "bedrock-api-key-canary", aws: undefined });
	});

	test("says what is missing and where to put it", () => {
		expect(problemsOf(BEDROCK)).toContain("needs a region: set region, or AWS_REGION");
		expect(problemsOf(BEDROCK)).toContain("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
		expect(problemsOf([...BEDROCK, "region: evil.example/x"], AWS)).toContain("must be a name such as");
	});
});

describe("Vertex AI", () => {
	test("reads a service account, and its project", () => {
		const deployment = deploymentOf([...VERTEX, "location: europe-west4", `credentials_file: ${keyFile}`]);
		expect(deployment).toMatchObject({
			project: "file-project",
			location: "europe-west4",
			baseUrl: "https://europe-west4-aiplatform.googleapis.com",
			serviceAccount: { clientEmail: "gateway@file-project.iam.gserviceaccount.com", privateKeyId: "k1" },
		});
	});

	test("finds the account where Google's own tools look for it, and serves from the global location", () => {
		const deployment = deploymentOf(VERTEX, {
			GOOGLE_APPLICATION_CREDENTIALS: keyFile,
			GOOGLE_CLOUD_PROJECT: "env-project",
		});
		expect(deployment).toMatchObject({
			project: "env-project",
			location: "global",
			baseUrl: "https://aiplatform.googleapis.com",
		});
	});

	test("lives at an address of its own in a multi-region", () => {
		const lines = [...VERTEX, `credentials_file: ${keyFile}`];
		expect(deploymentOf([...lines, "location: eu"]).baseUrl).toBe("https://aiplatform.eu.rep.googleapis.com");
		expect(deploymentOf(lines, { GOOGLE_CLOUD_LOCATION: "us" }).baseUrl).toBe(
			"https://aiplatform.us.rep.googleapis.com",
		);
	});

	test("takes no place that is none, wherever it is named", () => {
		const lines = [...VERTEX, `credentials_file: ${keyFile}`];
		const rule = "must be a name such as europe-west4";
		expect(problemsOf([...lines, "location: evil.example/x"])).toContain(rule);
		expect(problemsOf(lines, { GOOGLE_CLOUD_LOCATION: "evil.example/x" })).toContain(`location (not set here) ${rule}`);
		expect(problemsOf(lines, { GOOGLE_CLOUD_PROJECT: "a/../b" })).toContain(`project (not set here) ${rule}`);
		expect(problemsOf(BEDROCK, { ...AWS, AWS_REGION: "evil.example/x?" })).toContain(rule);
	});

	test("says what is wrong with a key file, never what is in it", () => {
		const broken = join(directory, "broken.json");
		writeFileSync(broken, '{"client_email": "x", "private_key": ""}');
		expect(problemsOf([...VERTEX, `credentials_file: ${broken}`])).toContain(
			"is not the key file of a service account",
		);
		expect(problemsOf([...VERTEX, "credentials_file: /does/not/exist"])).toContain("cannot be read (ENOENT)");
		expect(problemsOf(VERTEX)).toContain("GOOGLE_APPLICATION_CREDENTIALS");
		expect(problemsOf(VERTEX)).toContain("needs a project");
	});

	test("asks only such servers for tokens as a base URL may name", () => {
		const inside = join(directory, "inside.json");
		writeFileSync(
			inside,
			JSON.stringify({ client_email: "x", private_key: "y", project_id: "p", token_uri: "http://169.254.169.254/t" }),
		);
		expect(problemsOf([...VERTEX, `credentials_file: ${inside}`])).toContain("token_uri is a private or local address");
	});
});

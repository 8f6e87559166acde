import { z } from "zod";
import { OPERATIONS } from "../dialects/types.ts";
import { durationSchema } from "./duration.ts";
import { headersSchema } from "./headers.ts";
import { priceSchema } from "./price.ts";
import { tierSchema } from "./router.ts";
import { environmentVariableSchema, lineSchema, secretSchema } from "./text.ts";

const ABILITIES = ["tools", "images", "audio", "json_schema"] as const;
const tokens = z.int().min(1).max(1_000_000_000);

/** One place where an alias is served: a model of a provider, with its credential. */
export const deploymentSchema = z.strictObject({
	provider: lineSchema(64).describe(
		"Which provider: `openai`, `azure`, `groq`, `ollama`, `openai_compatible`, `mock`, …",
	),
	model: lineSchema(256).describe("The provider's own name of the model (Azure: the deployment's name)."),
	api_key_env: environmentVariableSchema
		.optional()
		.describe("The environment variable that holds the provider key. Preferred to `api_key`."),
	api_key: secretSchema.optional().describe("The provider key itself. Not with `api_key_env`."),
	base_url: z
		.string()
		.max(2_048)
		.optional()
		.describe(
			"Where the provider is reached, when not at its usual address. https, no query. Needed by `openai_compatible`.",
		)
		.meta({ title: "URL" }),
	resource: z
		.string()
		.max(2_048)
		.optional()
		.describe("Azure: the resource's URL, `https://NAME.openai.azure.com`; another way to write `base_url`.")
		.meta({ title: "URL" }),
	api_version: lineSchema(64).optional().describe("Azure: the `api-version` to ask for."),
	region: lineSchema(64).optional().describe("Bedrock: the AWS region. Absent: `AWS_REGION` of the environment."),
	project: lineSchema(128)
		.optional()
		.describe("Vertex AI: the Google Cloud project. Absent: `GOOGLE_CLOUD_PROJECT`, else the service account's."),
	location: lineSchema(64)
		.optional()
		.describe("Vertex AI: the location, such as `europe-west4`. Absent: `GOOGLE_CLOUD_LOCATION`, else `global`."),
	credentials_file: lineSchema(4_096)
		.optional()
		.describe("Vertex AI: path of the service account's JSON file. Absent: `GOOGLE_APPLICATION_CREDENTIALS`."),
	aws_access_key_id: secretSchema
		.optional()
		.describe("Bedrock: AWS keys to sign with, in place of `api_key`. Absent: `AWS_ACCESS_KEY_ID`."),
	aws_secret_access_key: secretSchema.optional().describe("Bedrock. Absent: `AWS_SECRET_ACCESS_KEY`."),
	aws_session_token: secretSchema
		.optional()
		.describe("Bedrock: of temporary keys. Absent: `AWS_SESSION_TOKEN`, where the keys are the environment's."),
	weight: z
		.number()
		.gt(0)
		.max(10_000)
		.prefault(1)
		.describe("Share of requests among deployments of equal priority.")
		.meta({ title: "number above 0, up to 10,000" }),
	tier: tierSchema.optional().describe("The bucket of prompts this deployment takes under the `classifier` strategy."),
	priority: z.int().min(0).max(1_000).prefault(0).describe("Lower goes first; higher ones wait until those fail."),
	timeout: durationSchema.prefault("600s").describe("Longest time for one whole answer."),
	connect_timeout: durationSchema
		.prefault("10s")
		.describe("Longest time until the provider is reached; then another deployment is tried."),
	ttft_timeout: durationSchema
		.optional()
		.describe(
			"Longest wait for the first token of a stream, or for the head of any other answer. Absent: while another deployment could take over, 30s for streams and half of `timeout` for the rest; else `timeout` alone.",
		),
	max_context_tokens: tokens
		.optional()
		.describe("Context window. Absent: from the catalogue, when it knows the model."),
	max_output_tokens: tokens
		.optional()
		.describe("Most output tokens. Absent: from the catalogue, when it knows the model."),
	operations: z
		.array(z.enum(OPERATIONS))
		.min(1)
		.optional()
		.describe(
			"What the server behind `base_url` offers, such as `[chat, embeddings]`. Absent: all that its provider does. `responses` and `completions` that it does not offer are made of `chat`.",
		),
	supports: z
		.array(z.enum(ABILITIES))
		.optional()
		.describe(
			"What the model can do of `tools`, `images`, `audio` (in), `json_schema`: requests that need more pass it over. Absent: all, as far as the gateway knows the model.",
		),
	price: priceSchema.optional().describe("What this deployment costs, in dollars. Absent: from the catalogue."),
	headers: headersSchema.optional().describe("Sent with each request to this deployment."),
	allow_private: z
		.boolean()
		.prefault(false)
		.describe("Permits a `base_url` on this machine or a private network, and http there."),
});

export type DeploymentFile = z.output<typeof deploymentSchema>;

import { bedrockCohereEmbed } from "../dialects/bedrock-cohere-embed/translator.ts";
import { bedrockConverse } from "../dialects/bedrock-converse/translator.ts";
import { titanEmbed } from "../dialects/titan-embed/translator.ts";
import { defineProvider } from "./define.ts";
import type { EndpointParts, Framing } from "./types.ts";

const method = (whole: string, streamed: string) => (endpoint: EndpointParts, stream: boolean) =>
	`/model/${encodeURIComponent(endpoint.model)}/${stream ? streamed : whole}`;
const titan = { translator: titanEmbed, path: method("invoke", "invoke") };
const cohere = { translator: bedrockCohereEmbed, path: method("invoke", "invoke") };
const framing: Framing = "aws-event-stream";

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html */
export const bedrock = defineProvider({
	id: "bedrock",
	title: "AWS Bedrock",
	baseUrl: ({ region }) => (region === undefined ? undefined : `https://bedrock-runtime.${region}.amazonaws.com`),
	apiKeyEnv: "AWS_BEARER_TOKEN_BEDROCK",
	account: "aws",
	dialects: {
		chat: {
			translator: bedrockConverse,
			path: method("converse", "converse-stream"),
			framing,
			fetchesMedia: false,
		},
		embeddings: (model) => (model.includes("cohere") ? cohere : titan),
	},
	priceCatalogue: "aws",
});

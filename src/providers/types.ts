import type { MessageExtension } from "../dialects/openai-chat/extensions.ts";
import type { SealFormat } from "../dialects/seal.ts";
import type { Translator } from "../dialects/translation.ts";
import type { OperationId } from "../dialects/types.ts";
import type { PriceSheet } from "../metering/types.ts";

/** Where a provider is reached for one deployment, after configuration. */
export interface EndpointParts {
	/** No trailing slash. */
	readonly baseUrl: string;
	/** The provider's name of the model. */
	readonly model: string;
	/** Azure: `api-version`. */
	readonly apiVersion: string | undefined;
	/** Bedrock: the AWS region. */
	readonly region: string | undefined;
	/** Vertex AI: the Google Cloud project. */
	readonly project: string | undefined;
	/** Vertex AI: `europe-west4`, `global`. */
	readonly location: string | undefined;
}

/** How the bytes of a stream are cut into events. */
export type Framing = "sse" | "aws-event-stream";

/** How one operation is said to a provider. */
export interface Speech {
	/** Below the base URL. */
	path(endpoint: EndpointParts, stream: boolean): string;
	/** undefined: in OpenAI's own words, so the client's bytes travel. */
	readonly translator: Translator | undefined;
	readonly framing: Framing;
	/** The provider fetches pictures and files that a request names by address; else the gateway does, where it translates. */
	readonly fetchesMedia: boolean;
}

/** Declared peculiarities. Shared code reads the property and never asks which provider it is. */
export interface Quirks {
	/** The field that bounds output tokens of chat requests when the gateway has to add one. */
	readonly maxTokensField: "max_tokens" | "max_completion_tokens";
	/**
	 * How chat streams tell usage: on request by `stream_options.include_usage`, or `always` unasked
	 * (the field is then left out, since some of those refuse it).
	 */
	readonly streamUsage: "stream_options" | "always";
	/** Fields of other providers' making that it refuses a conversation for: they are left out. */
	readonly refuses: readonly MessageExtension[];
	/** Whether a model reads what was sealed like this, where the client's own bytes travel. */
	readonly reads: (seal: SealFormat, model: string) => boolean;
}

/** What is used where a deployment has no plain key: AWS signs each request, Google trades a service account for a token. */
export type AccountKind = "aws" | "google";

/** AWS keys as they are in the environment of every AWS tool. */
export interface AwsKeys {
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
	/** Of temporary keys. */
	readonly sessionToken: string | undefined;
}

/** The parts of a Google service account's JSON file that a token is made from. */
export interface ServiceAccount {
	readonly clientEmail: string;
	/** PKCS #8, PEM. */
	readonly privateKey: string;
	readonly privateKeyId: string | undefined;
	readonly tokenUri: string;
}

/** Where a provider is, how it is spoken to and what it can do. A value, not a class: about fifteen lines each. */
export interface Provider {
	readonly id: string;
	/** For people: documentation, `check`, errors. */
	readonly title: string;
	/** undefined: the deployment must set `base_url`. */
	baseUrl(place: Pick<EndpointParts, "region" | "location">): string | undefined;
	/** The default base URL is on this machine or network: private addresses need no `allow_private`. */
	readonly local: boolean;
	/** The conventional environment variable of the key; undefined where there is none. */
	readonly apiKeyEnv: string | undefined;
	readonly keyRequired: boolean;
	/** undefined: keys only. */
	readonly account: AccountKind | undefined;
	/** Operations it offers for some model at least. */
	readonly operations: readonly OperationId[];
	/** undefined: not offered for this model, at least not directly. */
	speech(operation: OperationId, model: string): Speech | undefined;
	/** Stored responses can be read back, deleted and cancelled by id. */
	readonly storedResponses: boolean;
	url(endpoint: EndpointParts, path: string): string;
	/** Authentication headers. The key goes in a header, never in a URL. */
	auth(apiKey: string | undefined): Readonly<Record<string, string>>;
	readonly quirks: Quirks;
	/** The provider's id in the price catalogue; undefined = its models have no public price (local servers: see `free`). */
	readonly priceCatalogue: string | undefined;
	/** Runs on the user's own hardware: tokens cost nothing unless `price` is set. */
	readonly free: boolean;
	/** One price for every model, used when neither the configuration nor the catalogue has one. */
	readonly builtInPrice: PriceSheet | undefined;
	/** What is wrong with a name of a model, in a sentence; undefined = nothing that the gateway could know of. */
	checkModel(model: string): string | undefined;
	/** Models served under their own names when only the environment variable of the key is set. */
	readonly currentModels: readonly string[];
}

import { MESSAGE_EXTENSIONS, type MessageExtension } from "../dialects/openai-chat/extensions.ts";
import type { Translator } from "../dialects/translation.ts";
import { OPERATIONS, type OperationId } from "../dialects/types.ts";
import type { PriceSheet } from "../metering/types.ts";
import type { AccountKind, EndpointParts, Framing, Provider, Quirks, Speech } from "./types.ts";

/** OpenAI's own paths below the base URL: what a provider offers unless it says otherwise. */
export const OPENAI_PATHS: Readonly<Record<OperationId, string>> = {
	chat: "/chat/completions",
	responses: "/responses",
	completions: "/completions",
	embeddings: "/embeddings",
	moderations: "/moderations",
	"images.generations": "/images/generations",
	"images.edits": "/images/edits",
	"audio.transcriptions": "/audio/transcriptions",
	"audio.translations": "/audio/translations",
	"audio.speech": "/audio/speech",
};

/** What a server that checks as OpenAI's does refuses in a conversation that other providers took part in. */
export const OPENAI_REFUSES: readonly MessageExtension[] = MESSAGE_EXTENSIONS.filter((name) => name !== "annotations");

/** An operation in a dialect of the provider's own. Left out: OpenAI's path, framed as server-sent events. */
export interface SpeechDefinition {
	readonly translator?: Translator;
	readonly path?: string | Speech["path"];
	readonly framing?: Framing;
	/** Default: yes. */
	readonly fetchesMedia?: boolean;
}

/** One way for every model, or a choice by the model's name (undefined: not offered for it). */
type Dialect = SpeechDefinition | ((model: string) => SpeechDefinition | undefined);

/** What a provider's file says; whatever it leaves out is as at OpenAI. */
export interface ProviderDefinition {
	readonly id: string;
	readonly title: string;
	/** Left out: the deployment must set `base_url`. */
	readonly baseUrl?: string | Provider["baseUrl"];
	/** Default: no. */
	readonly local?: boolean;
	readonly apiKeyEnv?: string;
	/** Default: yes, unless the provider is local. */
	readonly keyRequired?: boolean;
	readonly account?: AccountKind;
	/** Operations in OpenAI's own words, at OpenAI's own paths. */
	readonly operations?: readonly OperationId[] | "all";
	/** Operations at other paths or in other words. */
	readonly dialects?: Readonly<Partial<Record<OperationId, Dialect>>>;
	/** Default: no. */
	readonly storedResponses?: boolean;
	readonly url?: (endpoint: EndpointParts, path: string) => string;
	readonly auth?: (apiKey: string | undefined) => Readonly<Record<string, string>>;
	/** Default: `max_tokens`, and usage on request by `stream_options`. */
	readonly quirks?: Partial<Quirks>;
	readonly priceCatalogue?: string;
	/** Default: no. */
	readonly free?: boolean;
	readonly builtInPrice?: PriceSheet;
	/** Default: every name may be a model. */
	readonly checkModel?: (model: string) => string | undefined;
	readonly currentModels?: readonly string[];
}

/** Completes a definition into a frozen provider. */
export function defineProvider(definition: ProviderDefinition): Provider {
	const local = definition.local ?? false;
	const { baseUrl } = definition;
	return Object.freeze({
		id: definition.id,
		title: definition.title,
		baseUrl: typeof baseUrl === "function" ? baseUrl : () => baseUrl,
		local,
		apiKeyEnv: definition.apiKeyEnv,
		keyRequired: definition.keyRequired ?? !local,
		account: definition.account,
		...speeches(definition),
		storedResponses: definition.storedResponses ?? false,
		url: definition.url ?? joinUrl,
		auth: definition.auth ?? bearer,
		quirks: Object.freeze({
			maxTokensField: "max_tokens",
			streamUsage: "stream_options",
			refuses: [],
			reads: () => false,
			...definition.quirks,
		}),
		priceCatalogue: definition.priceCatalogue,
		free: definition.free ?? false,
		builtInPrice: definition.builtInPrice,
		checkModel: definition.checkModel ?? (() => undefined),
		currentModels: Object.freeze([...(definition.currentModels ?? [])]),
	});
}

function speeches({ operations = [], dialects = {} }: ProviderDefinition): Pick<Provider, "operations" | "speech"> {
	const plain = new Set<OperationId>(operations === "all" ? OPERATIONS : operations);
	const known = new Map<SpeechDefinition, Speech>();

	/** One object a definition, so that asking costs nothing. */
	function complete(operation: OperationId, definition: SpeechDefinition): Speech {
		const existing = known.get(definition);
		if (existing !== undefined) {
			return existing;
		}
		const { path = OPENAI_PATHS[operation], translator, framing = "sse", fetchesMedia = true } = definition;
		const speech = Object.freeze({
			path: typeof path === "function" ? path : () => path,
			translator,
			framing,
			fetchesMedia,
		});
		known.set(definition, speech);
		return speech;
	}
	const openai = Object.fromEntries(
		[...plain].map((operation) => [operation, complete(operation, { path: OPENAI_PATHS[operation] })]),
	);
	return {
		operations: Object.freeze(OPERATIONS.filter((operation) => plain.has(operation) || operation in dialects)),
		speech(operation, model) {
			const dialect = dialects[operation];
			const definition = typeof dialect === "function" ? dialect(model) : dialect;
			return definition === undefined ? openai[operation] : complete(operation, definition);
		},
	};
}

/** As OpenAI's SDKs do: the base URL is a prefix, with or without `/v1`. */
function joinUrl(endpoint: EndpointParts, path: string): string {
	return `${endpoint.baseUrl}${path}`;
}

/** For SDKs of other providers the version is part of the path: it is added to a base URL that does not name one. */
export function versionedUrl(version: string): Provider["url"] {
	return ({ baseUrl }, path) =>
		/\/v\d+[a-z0-9]*$/.test(baseUrl) ? `${baseUrl}${path}` : `${baseUrl}${version}${path}`;
}

function bearer(apiKey: string | undefined): Readonly<Record<string, string>> {
	return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}

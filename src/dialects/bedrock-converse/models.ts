/** Who made a model, as far as the Converse API is another one for it. */
export type ModelFamily =
	| "anthropic"
	| "nova"
	| "titan"
	| "meta"
	| "mistral"
	| "cohere"
	| "ai21"
	| "deepseek"
	| "openai"
	| "qwen"
	/** Open weights that AWS serves by one engine: Gemma, MiniMax, Kimi, Nemotron, GLM. */
	| "open-weight"
	/** Application inference profiles, provisioned and custom models: their ids tell nothing. */
	| "unknown";

export interface BedrockModel {
	readonly family: ModelFamily;
	/** Without region and maker: `claude-sonnet-4-5-20250929-v1:0`. */
	readonly name: string;
	/** Of Claude only. */
	readonly claude: ClaudeTraits | undefined;
}

/**
 * What the generations of Claude differ in. Newer ones than are known here are taken to be like the newest.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html
 * @see https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
 */
export interface ClaudeTraits {
	/** `budget`: `{type: "enabled", budget_tokens}`; `adaptive`: `{type: "adaptive"}` and an effort. */
	readonly thinking: "none" | "budget" | "adaptive";
	/** Takes a budget of thinking tokens. */
	readonly takesBudget: boolean;
	/** Thinks unless told not to. */
	readonly thinksByDefault: boolean;
	/** Whether thinking can be switched off. The models that always think refuse forced tool calls as well. */
	readonly canStopThinking: boolean;
	/** Sends summaries of its thinking only when asked to (Opus 4.7 and newer). */
	readonly hidesThinking: boolean;
	readonly knowsXhigh: boolean;
	/** `temperature`, `top_p` and `top_k`: refused since Opus 4.7. */
	readonly takesSampling: boolean;
	/** `temperature` and `top_p` in one request: refused since Opus 4.1. */
	readonly takesBothSamplings: boolean;
	/** `outputConfig.textFormat` and `strict` tools: the 4.5 and 4.6 generations. */
	readonly takesSchema: boolean;
	readonly takesStrictTools: boolean;
	/** Cache points of an hour. */
	readonly cachesAnHour: boolean;
}

const MAKERS: ReadonlyMap<string, ModelFamily> = new Map<string, ModelFamily>([
	["anthropic", "anthropic"],
	["amazon", "titan"],
	["meta", "meta"],
	["mistral", "mistral"],
	["cohere", "cohere"],
	["ai21", "ai21"],
	["deepseek", "deepseek"],
	["openai", "openai"],
	["qwen", "qwen"],
	["google", "open-weight"],
	["minimax", "open-weight"],
	["moonshot", "open-weight"],
	["moonshotai", "open-weight"],
	["nvidia", "open-weight"],
	["zai", "open-weight"],
]);

/** The family of a model id, an inference profile id or an ARN of either. */
export function readModel(id: string): BedrockModel {
	// ARNs end with what they name: `arn:aws:bedrock:us-east-1:…:inference-profile/us.anthropic.claude-…`.
	const named = id.slice(id.lastIndexOf("/") + 1).toLowerCase();
	const parts = named.split(".");
	const at = parts.findIndex((part, index) => MAKERS.has(part) && index < parts.length - 1);
	const maker = at === -1 ? undefined : MAKERS.get(parts[at] ?? "");
	const name = at === -1 ? named : parts.slice(at + 1).join(".");
	if (maker === "anthropic" || (maker === undefined && name.startsWith("claude"))) {
		return { family: "anthropic", name, claude: claudeTraits(name) };
	}
	if (maker === "titan" && name.startsWith("nova")) {
		return { family: "nova", name, claude: undefined };
	}
	return { family: maker ?? "unknown", name, claude: undefined };
}

/** `claude-3-7-sonnet-20250219`, `claude-opus-4-6-v1`, `claude-v2:1`: a date of eight digits is no version. */
const CLAUDE_NAME = /^claude-(?:([a-z]{2,})-)?v?(\d{1,2})(?!\d)(?:-(\d{1,2})(?!\d))?/;

function claudeTraits(name: string): ClaudeTraits {
	const [, line = "", major, minor = "0"] = CLAUDE_NAME.exec(name) ?? [];
	const alwaysThinks = name.includes("-fable") || name.includes("-mythos");
	// A name without a number (an alias of one's own) is taken to be of the generation that takes the most.
	// 4.5 is 405: whole numbers compare as they look.
	const version = major === undefined ? (alwaysThinks ? 500 : 400) : Number(major) * 100 + Number(minor);
	const canStopThinking = !alwaysThinks && (version < 505 || line === "haiku");
	const isOfTheTableOfAws = version >= 405 && version < 407;
	return {
		thinking: version < 307 ? "none" : version < 406 ? "budget" : "adaptive",
		takesBudget: version >= 307 && version < 407,
		thinksByDefault: version >= 500,
		canStopThinking,
		hidesThinking: version >= 407,
		knowsXhigh: version >= 407,
		takesSampling: version < 407,
		takesBothSamplings: version < 401,
		// Models that cannot be forced to call a tool have no other way to keep to a schema.
		takesSchema: isOfTheTableOfAws || !canStopThinking,
		takesStrictTools: isOfTheTableOfAws,
		cachesAnHour: version >= 405,
	};
}

/**
 * How far a model can be made to call a tool. `named`: one of the client's choice; `any`: one of its own choice.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html
 */
export function forcedTools(model: BedrockModel): "named" | "any" | "none" {
	switch (model.family) {
		case "anthropic":
			return model.claude?.canStopThinking === false ? "none" : "named";
		case "mistral":
			return "any";
		case "deepseek":
			return model.name.startsWith("r1") ? "none" : "any";
		case "meta":
		case "cohere":
		case "ai21":
		case "titan":
			return "none";
		default:
			return "named";
	}
}

/** Mistral's models since late 2025 are served by the engine of the open weights. */
const NEW_MISTRAL = /ministral|magistral|voxtral|devstral|mistral-large-3/;

/**
 * Whether the answer can be bound to a JSON schema by `outputConfig.textFormat`.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
export function takesSchema(model: BedrockModel): boolean {
	switch (model.family) {
		case "anthropic":
			return model.claude?.takesSchema === true;
		case "openai":
		case "qwen":
		case "open-weight":
			return true;
		case "deepseek":
			return !model.name.startsWith("r1");
		case "mistral":
			return NEW_MISTRAL.test(model.name);
		default:
			return false;
	}
}

/** Whether a tool's arguments can be bound to its schema (`toolSpec.strict`): the same page of AWS. */
export function takesStrictTools(model: BedrockModel): boolean {
	return model.family === "anthropic" ? model.claude?.takesStrictTools === true : takesSchema(model);
}

/** gpt-oss, beside the closed models of OpenAI, which take fewer parameters. */
export function isGptOss(model: BedrockModel): boolean {
	return model.family === "openai" && model.name.startsWith("gpt-oss");
}

/** Nova of the second generation thinks when asked to. */
export function isNova2(model: BedrockModel): boolean {
	return model.family === "nova" && /^nova-(?:2|[a-z]+-v2)/.test(model.name);
}

/** What one model of the Messages API takes. Anthropic's models differ in it, and refuse what they do not take. */
export interface ModelFacts {
	/**
	 * How thinking is asked for: with a budget of tokens (Claude 3.7 to 4.5), or left to the model and steered by an effort
	 * (4.6 and later; 4.7 and later refuse budgets).
	 */
	readonly thinking: "none" | "budget" | "adaptive";
	/** How it is kept from thinking: `omit` where it does not think unasked, `never` where it cannot be. */
	readonly thinkingOff: "omit" | "disabled" | "between_tools" | "never";
	/** The values of `output_config.effort` it takes, weakest first; none where it knows no effort. */
	readonly efforts: readonly string[];
	/** Temperature and top_p: both, only one of them at a time, or neither of them nor top_k. */
	readonly sampling: "both" | "one" | "none";
	/** Whether a conversation may end with the beginning of the answer. */
	readonly prefill: boolean;
	/** Whether it can be made to call a tool (`tool_choice` any or tool). */
	readonly forcedTools: boolean;
	/** Whether a turn in the middle of the conversation may have the role `system`. */
	readonly systemTurns: boolean;
	/** Structured outputs: `output_config.format` and `strict` tools. */
	readonly schemas: boolean;
	/** Whether its thinking is tied to everything in front of it, so that a conversation changed there may be refused. */
	readonly bindsThinking: boolean;
}

const ALL_EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;
const EFFORTS_OF_4_6 = ["low", "medium", "high", "max"] as const;

/** Models of other makers behind this API (MiniMax, Moonshot, DeepSeek, Z.ai): the API as it was before Claude 4. */
const OTHER_MAKERS: ModelFacts = {
	thinking: "budget",
	thinkingOff: "disabled",
	efforts: [],
	sampling: "both",
	prefill: true,
	forcedTools: true,
	systemTurns: false,
	schemas: false,
	bindsThinking: false,
};

interface ClaudeName {
	/** undefined where the name tells neither family nor version: then it is taken for a new one. */
	readonly family: string | undefined;
	/** 4.6 is 406. */
	readonly version: number;
}

/** `claude-opus-4-6`, `claude-sonnet-4-20250514`, `claude-sonnet-4@20250514`, `anthropic/claude-opus-4.6`. */
const NAME_OF_TODAY = /claude-(opus|sonnet|haiku|fable|mythos)-(\d{1,2})(?:-(\d{1,2}))?(?!\d)/;
/** `claude-3-7-sonnet-20250219`, `claude-3-opus@20240229`, `claude-2.1`. */
const OLD_NAME = /claude-v?(\d)(?:-(\d{1,2}))?(?!\d)/;
const UNKNOWN_VERSION = 9_999;

/**
 * The facts of a model by its name. Unknown Claude models are taken for the newest, others for plain ones.
 * @see https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting (which thinking each model takes)
 * @see https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5 (no forced tools, thinking always on)
 * @see https://platform.claude.com/docs/en/about-claude/models/migration-guide (4.6: no prefill; 4.7: no sampling)
 */
export function modelFacts(model: string): ModelFacts {
	const name = readName(model);
	if (name === undefined) {
		return OTHER_MAKERS;
	}
	const { version } = name;
	return {
		thinking: version < 307 ? "none" : version < 406 ? "budget" : "adaptive",
		thinkingOff: thinkingOff(name),
		efforts: version < 406 ? [] : version < 407 ? EFFORTS_OF_4_6 : ALL_EFFORTS,
		sampling: version < 401 ? "both" : version < 407 ? "one" : "none",
		prefill: version < 406,
		forcedTools: takesForcedTools(name),
		systemTurns: name.family !== undefined && (version >= 500 || (name.family === "opus" && version === 408)),
		schemas: version >= 405,
		bindsThinking: bindsThinking(name),
	};
}

function readName(model: string): ClaudeName | undefined {
	const name = model.toLowerCase().replaceAll(/[.@]/g, "-");
	const today = NAME_OF_TODAY.exec(name);
	if (today !== null) {
		return { family: today[1], version: versionOf(today[2], today[3]) };
	}
	const old = OLD_NAME.exec(name);
	if (old !== null) {
		return { family: undefined, version: versionOf(old[1], old[2]) };
	}
	if (name.includes("claude-instant")) {
		return { family: undefined, version: 100 };
	}
	return name.includes("claude") ? { family: undefined, version: UNKNOWN_VERSION } : undefined;
}

function versionOf(major: string | undefined, minor: string | undefined): number {
	return Number(major) * 100 + Number(minor ?? 0);
}

function thinkingOff({ family, version }: ClaudeName): ModelFacts["thinkingOff"] {
	if (version < 500) {
		return "omit";
	}
	if (family === "haiku" || (family === "sonnet" && version < 505) || (family === "opus" && version < 505)) {
		return "disabled";
	}
	return family === "sonnet" ? "between_tools" : "never";
}

/** Of an unknown model nothing is assumed that would refuse a request it may well take. */
function takesForcedTools({ family, version }: ClaudeName): boolean {
	switch (family) {
		case "opus":
		case "sonnet":
			return version < 505;
		case "fable":
		case "mythos":
			return version < 501;
		default:
			return true;
	}
}

/**
 * Of an unknown model it is not assumed: what comes with it is a field of a beta.
 * @see https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks
 */
function bindsThinking({ family, version }: ClaudeName): boolean {
	if (family === undefined) {
		return false;
	}
	return version >= (family === "fable" || family === "mythos" ? 501 : 505);
}

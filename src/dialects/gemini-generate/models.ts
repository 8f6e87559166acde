/** The same wire format is spoken in two places that differ in what they accept. */
export type Edition = "gemini-api" | "vertex";

/** How much a model may be told to think, from little to much. */
export type ThinkingLevel = "MINIMAL" | "LOW" | "MEDIUM" | "HIGH";

/** How a model is told to think. */
export type ThinkingControl =
	| { readonly by: "level"; readonly levels: readonly [ThinkingLevel, ...ThinkingLevel[]]; readonly budgetMax: number }
	/** `budgetMin` is 0 where thinking can be turned off. */
	| { readonly by: "budget"; readonly budgetMin: number; readonly budgetLeast: number; readonly budgetMax: number }
	| { readonly by: "nothing" };

/** What a model accepts, as far as its name tells. A name that tells nothing (a tuned model) is given the benefit. */
export interface ModelTraits {
	readonly thinking: ThinkingControl;
	/** Temperature, top_p and top_k have no effect, and only one candidate is made. */
	readonly fixedSampling: boolean;
	readonly penalties: boolean;
	/** Instructions apart from the conversation. */
	readonly systemInstruction: boolean;
	/** Functions and a JSON format in one request. */
	readonly toolsWithFormat: boolean;
	/** Images and documents inside a function's response. */
	readonly mediaInResults: boolean;
	/** A function call without its thought signature is refused. */
	readonly needsSignatures: boolean;
	/** Function calls carry ids. */
	readonly callIds: boolean;
	/** Functions together with a tool of Google's must be allowed expressly. */
	readonly mixedToolsByFlag: boolean;
	/** Searches are billed one by one, not once a prompt. */
	readonly billsEachSearch: boolean;
}

const VERSION = /gemini-(\d+)(?:\.(\d+))?(?![\d.])/;
/** `gemini-flash-latest` and its like: whatever is newest. */
const LATEST = /gemini-(?:pro|flash|flash-lite)-latest/;
const NEWEST = { major: 3, minor: 99 };

/** "Developer instruction is not enabled for models/gemma-3-27b-it" */
const WITHOUT_INSTRUCTIONS = /^gemma-[123]n?-|-image-generation/;

/** @param name With or without `models/`, `publishers/google/models/`, `google/`. */
export function traitsOf(name: string, edition: Edition): ModelTraits {
	const model = name.slice(name.lastIndexOf("/") + 1).toLowerCase();
	const version = versionOf(model);
	const isAtLeast = (major: number, minor: number) =>
		version !== undefined && (version.major > major || (version.major === major && version.minor >= minor));
	const isThird = isAtLeast(3, 0);
	return {
		thinking: thinkingOf(model, isAtLeast),
		// "accepted but ignored", to be refused by later ones: https://ai.google.dev/gemini-api/docs/latest-model
		fixedSampling: isAtLeast(3, 6) || (isAtLeast(3, 5) && model.includes("lite")),
		// "Penalty is not enabled for this model" since 2.5: https://github.com/google-gemini/cookbook/issues/1290
		penalties: !isAtLeast(2, 5),
		systemInstruction: !WITHOUT_INSTRUCTIONS.test(model),
		// https://github.com/googleapis/python-genai/issues/867
		toolsWithFormat: isThird || version === undefined,
		// https://ai.google.dev/gemini-api/docs/function-calling#multimodal
		mediaInResults: isThird,
		needsSignatures: isThird,
		// Demanded here since 3.5 (https://ai.google.dev/gemini-api/docs/whats-new-gemini-3.5), refused by Vertex, which
		// matches by name and order: https://github.com/charmbracelet/fantasy/issues/265
		callIds: edition === "gemini-api",
		// Needed here, refused by Vertex: https://github.com/vercel/ai/issues/13911
		mixedToolsByFlag: edition === "gemini-api" && isThird,
		// https://ai.google.dev/gemini-api/docs/pricing
		billsEachSearch: isThird,
	};
}

function versionOf(model: string): { readonly major: number; readonly minor: number } | undefined {
	const found = VERSION.exec(model);
	if (found !== null) {
		return { major: Number(found[1]), minor: Number(found[2] ?? 0) };
	}
	return LATEST.test(model) ? NEWEST : undefined;
}

/** Models that make pictures or speech think, if at all, in ways of their own. */
const OTHER_KINDS = /-(?:image|tts|audio|live|embedding)/;

/**
 * Levels by model: https://ai.google.dev/gemini-api/docs/generate-content/thinking#thinking-levels, budgets:
 * https://ai.google.dev/gemini-api/docs/thinking#set-budget. Models from 3.6 on refuse `minimal`, save the Lite ones.
 */
function thinkingOf(model: string, isAtLeast: (major: number, minor: number) => boolean): ThinkingControl {
	const isPro = model.includes("-pro");
	if (OTHER_KINDS.test(model)) {
		return isAtLeast(3, 1) && model.includes("flash") && model.includes("-image")
			? { by: "level", levels: ["MINIMAL", "HIGH"], budgetMax: 24_576 }
			: { by: "nothing" };
	}
	if (isAtLeast(3, 0)) {
		if (isPro) {
			return { by: "level", levels: isAtLeast(3, 1) ? ["LOW", "MEDIUM", "HIGH"] : ["LOW", "HIGH"], budgetMax: 32_768 };
		}
		const hasMinimal = model.includes("lite") || !isAtLeast(3, 6);
		const levels = ["LOW", "MEDIUM", "HIGH"] as const;
		return { by: "level", levels: hasMinimal ? ["MINIMAL", ...levels] : levels, budgetMax: 24_576 };
	}
	if (!isAtLeast(2, 5)) {
		return { by: "nothing" };
	}
	if (isPro) {
		return { by: "budget", budgetMin: 128, budgetLeast: 128, budgetMax: 32_768 };
	}
	return { by: "budget", budgetMin: 0, budgetLeast: model.includes("lite") ? 512 : 1, budgetMax: 24_576 };
}

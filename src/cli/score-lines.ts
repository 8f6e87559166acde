import type { Ingress } from "../dialects/types.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import { plainPrompt } from "../lib/prompt-view.ts";
import type { RouteScore, Scorer } from "../routing/types.ts";

export interface ScoreLineOptions {
	readonly score: Scorer;
	/** The chat dialect: what the gateway itself would score of a request. */
	readonly ingress: Pick<Ingress, "promptText">;
	/** Tell what moved the score. */
	readonly explain: boolean;
}

/** One line of input scored: the line to print, and whether it could be scored. */
export interface ScoredLine {
	readonly text: string;
	readonly ok: boolean;
}

/**
 * Scores one request of a JSON-lines file: `{"id"?, "messages", "tools"?, "response_format"?}` or `{"id"?, "prompt"}`.
 * A line that is no such request becomes `{"id"?, "error"}`.
 */
export function scoreLine(line: string, { score, ingress, explain }: ScoreLineOptions): ScoredLine {
	const request = parseObject(line);
	if (request === undefined) {
		return failed(undefined, "not a JSON object");
	}
	const messages = readMessages(request);
	if (typeof messages === "string") {
		return failed(request.id, messages);
	}
	const json = { ...request, messages };
	const result = score(ingress.promptText({ kind: "json", text: line, json }));
	return { text: print({ ...idOf(request.id), ...describe(result, explain) }), ok: true };
}

/** The score of one prompt that is plain text. */
export function scoreText(prompt: string, score: Scorer): RouteScore {
	return score(plainPrompt(prompt));
}

export function failed(id: JsonValue | undefined, error: string): ScoredLine {
	return { text: print({ ...idOf(id), error }), ok: false };
}

/** The messages of a request, or what is wrong with them. */
function readMessages({ prompt, messages }: JsonObject): JsonValue[] | string {
	if (prompt !== undefined) {
		if (messages !== undefined) {
			return "has both messages and prompt";
		}
		return typeof prompt === "string" ? [{ role: "user", content: prompt }] : "prompt must be a string";
	}
	if (!Array.isArray(messages) || messages.length === 0) {
		return "needs messages (a list with at least one) or prompt";
	}
	return messages.every((message) => isJsonObject(message) && typeof message.role === "string")
		? messages
		: "every message must be an object with a role";
}

function describe(result: RouteScore, explain: boolean): JsonObject {
	const { score, bucket } = result;
	// Worked out when read: only where asked for.
	return { score, bucket, ...(explain ? { signals: result.signals.map((signal) => ({ ...signal })) } : {}) };
}

function idOf(id: JsonValue | undefined): JsonObject {
	return id === undefined ? {} : { id };
}

function print(object: JsonObject): string {
	return `${JSON.stringify(object)}\n`;
}

function parseObject(line: string): JsonObject | undefined {
	try {
		const value: unknown = JSON.parse(line);
		return isJsonObject(value) ? value : undefined;
	} catch {
		// What the line is instead is for its author to see: the answer stands at its place in the output.
		return undefined;
	}
}

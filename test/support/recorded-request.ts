import type { RecordedCase } from "./recorded.ts";

const TINY_FILE = Buffer.from("RIFF$\0\0\0WAVEfmt ");

/** A recorded case as a client of the gateway would ask for it. */
export interface ClientRequest {
	/** Path at the gateway. */
	readonly path: string;
	/** JSON body, model replaced by the alias; undefined for uploads. */
	readonly json: Record<string, unknown> | undefined;
	readonly form: FormData | undefined;
}

const PATHS: Record<string, string> = {
	"openai.chat": "/v1/chat/completions",
	"openai.completions": "/v1/completions",
	"openai.embeddings": "/v1/embeddings",
	"openai.images": "/v1/images/generations",
	"openai.moderations": "/v1/moderations",
	"openai.responses": "/v1/responses",
	"openai.transcriptions": "/v1/audio/transcriptions",
};

const MINIMAL: Record<string, Record<string, unknown>> = {
	"openai.chat": { messages: [{ role: "user", content: "Hello" }] },
	"openai.completions": { prompt: "Hello" },
	"openai.embeddings": { input: "Hello" },
	"openai.images": { prompt: "A cat" },
	"openai.moderations": { input: "Hello" },
	"openai.responses": { input: "Hello" },
};

/** Wire formats of the recordings that the gateway's own endpoints speak. */
export const REPLAYED_APIS: ReadonlySet<string> = new Set(Object.keys(PATHS));

/**
 * The recorded request for an alias; a minimal one where none was kept, and for refused requests
 * (what those sent is refused by the gateway itself, before any call).
 */
export function clientRequest(recorded: RecordedCase, alias: string): ClientRequest {
	const upload = /\/(audio\/(?:transcriptions|translations)|images\/edits)$/.exec(recorded.request.path);
	if (upload !== null) {
		const form = new FormData();
		form.set("model", alias);
		if (upload[1] === "images/edits") {
			form.set("image", new File([TINY_FILE], "cat.png", { type: "image/png" }));
			form.set("prompt", "A cat");
		} else {
			form.set("file", new File([TINY_FILE], "speech.wav", { type: "audio/wav" }));
		}
		return { path: `/v1/${upload[1]}`, json: undefined, form };
	}
	// Ollama's own embeddings route takes `prompt`, which is not OpenAI's.
	const isForeign = recorded.request.path === "/api/embeddings";
	const sent = recorded.status < 400 && !isForeign ? recorded.request.body : null;
	const body = sent ?? { ...MINIMAL[recorded.api], ...streamFields(recorded) };
	return { path: PATHS[recorded.api] ?? recorded.request.path, json: { ...body, model: alias }, form: undefined };
}

/** Asks for the usage chunk exactly where the recording has one, so that nothing has to be hidden. */
function streamFields(recorded: RecordedCase): Record<string, unknown> {
	if (!recorded.stream) {
		return {};
	}
	return recorded.api === "openai.responses" || !hasUsageChunk(recorded)
		? { stream: true }
		: { stream: true, stream_options: { include_usage: true } };
}

export function isUsageChunk(data: string): boolean {
	try {
		// Tested field by field.
		const chunk = JSON.parse(data) as { choices?: unknown; usage?: unknown };
		return (
			Array.isArray(chunk.choices) &&
			chunk.choices.length === 0 &&
			typeof chunk.usage === "object" &&
			chunk.usage !== null
		);
	} catch {
		return false;
	}
}

function hasUsageChunk(recorded: RecordedCase): boolean {
	return recorded.response.body
		.toString()
		.split("\n")
		.some((line) => line.startsWith("data:") && isUsageChunk(line.slice("data:".length).trim()));
}

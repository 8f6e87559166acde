/** What a faithful OpenAI answer says, by the table at the end of `test/fixtures/recorded/README.md`. */
export interface OracleAnswer {
	/** "" where the model said nothing. */
	readonly text: string;
	readonly toolCalls: readonly OracleToolCall[];
	/** undefined where the table does not say. */
	readonly finishReason: string | undefined;
	/** undefined where the provider told none. */
	readonly usage: OracleUsage | undefined;
	/** Thinking in plain words, "" where there is none. */
	readonly reasoning: string;
	/** What the provider sealed: signatures and encrypted thinking, in order. They must come back to it unchanged. */
	readonly seals: readonly string[];
	/** The provider's own id of the answer. */
	readonly id: string | undefined;
}

export interface OracleToolCall {
	/** The provider's own id; undefined where it gave none and any unique one will do. */
	readonly id: string | undefined;
	readonly name: string;
	/** Parsed; the text as it was where it is no JSON (cut by max_tokens). */
	readonly arguments: unknown;
}

export interface OracleUsage {
	/** The counts that are right for `prompt_tokens`: more than one where the table leaves it open. */
	readonly prompt: readonly number[];
	readonly completion: number;
	/** undefined: not said, and 0 in the answer. */
	readonly cached: number | undefined;
	readonly cacheWrite: number | undefined;
	/** undefined: the table asks for nothing. */
	readonly reasoning: number | undefined;
	/** Searches run by the provider's own tool, which it bills by the piece; undefined: it does not count them itself. */
	readonly searches: number | undefined;
}

/** A provider's refusal, in its own words. */
export interface OracleFault {
	readonly status: number;
	readonly message: string;
}

/** A call while its pieces come in. */
export interface OpenCall {
	readonly id: string | undefined;
	readonly name: string;
	arguments: string;
}

/** "" and null are a call without arguments, which is `{}`. */
export function closeCall({ id, name, arguments: written }: OpenCall): OracleToolCall {
	return { id, name, arguments: readArguments(written) };
}

function readArguments(written: string): unknown {
	if (written.trim() === "") {
		return {};
	}
	try {
		return JSON.parse(written) ?? {};
	} catch {
		// A call that was cut short: a client gets what there was.
		return written;
	}
}

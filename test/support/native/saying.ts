/** An event of a stream that names its type. */
export interface NamedEvent {
	readonly type: string;
	readonly [field: string]: unknown;
}

/** What a scripted provider says, in nobody's words. */
export interface Saying {
	readonly thinking?: { readonly text: string; readonly seal: string };
	/** Streamed one word at a time. */
	readonly text?: string;
	readonly toolCalls?: readonly SaidCall[];
	readonly tokens?: { readonly input: number; readonly output: number };
	/** Why it ends, where it does not end by itself. */
	readonly ending?: "length" | "filter";
}

export interface SaidCall {
	readonly id: string;
	readonly name: string;
	readonly arguments: Readonly<Record<string, unknown>>;
	/** Of a tool that takes free text, where the provider knows such. */
	readonly input?: string;
}

/** How one provider puts it. */
export interface NativeAnswers {
	readonly streamType: string;
	whole(saying: Saying): unknown;
	/** The events of a stream, each as its bytes. */
	events(saying: Saying): readonly Buffer[];
	/** An error answer's body. */
	error(status: number, message: string): unknown;
	/** A failure told in the middle of a stream. */
	errorEvent(message: string): Buffer;
	/** An event that no document knows of. */
	unknownEvent: Buffer;
	/** How many events from the end the stream is not over: without them it must not look finished. */
	endings: number;
}

/** Tokens of a saying that names none. */
export const SAID_TOKENS = { input: 60, output: 150 } as const;

/** Text as a model streams it. */
export function words(text: string): string[] {
	return text.match(/\S+\s*|\s+/g) ?? [];
}

/** JSON as a model streams it: in two pieces, cut in the middle. */
export function halves(text: string): string[] {
	const middle = Math.ceil(text.length / 2);
	return [text.slice(0, middle), text.slice(middle)].filter(Boolean);
}

import type { RecordedCase } from "../../../support/recorded.ts";

/**
 * What a recorded answer of Mistral says, read from its bytes with nothing of the gateway's: the reading of
 * test/fixtures/recorded/README.md.
 */
export interface Said {
	readonly id: unknown;
	readonly text: string;
	readonly reasoning: string;
	readonly calls: readonly { readonly name: string; readonly arguments: string }[];
	readonly finish: string;
	readonly usage: unknown;
}

interface Part {
	readonly type?: string;
	readonly text?: string;
	readonly thinking?: readonly { readonly text?: string }[];
}

interface Message {
	readonly content?: string | null | readonly Part[];
	readonly tool_calls?:
		| readonly { readonly index?: number; readonly function: { readonly name: string; readonly arguments: unknown } }[]
		| null;
}

interface Answer {
	readonly id: unknown;
	readonly usage?: unknown;
	readonly choices: readonly {
		readonly message?: Message;
		readonly delta?: Message;
		readonly finish_reason?: string | null;
	}[];
}

export function saidBy({ response, stream }: RecordedCase): Said {
	const text = response.body.toString();
	const answers: Answer[] = stream
		? [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json ?? ""))
		: [JSON.parse(text)];
	const calls: { name: string; arguments: string }[] = [];
	let said: Said = { id: answers[0]?.id, text: "", reasoning: "", calls, finish: "", usage: undefined };
	for (const answer of answers) {
		const choice = answer.choices[0];
		const message = choice?.message ?? choice?.delta ?? {};
		collect(message, calls, stream);
		said = {
			...said,
			text: said.text + (typeof message.content === "string" ? message.content : joined(message.content, "text")),
			reasoning: said.reasoning + joined(message.content, "thinking"),
			finish: choice?.finish_reason ?? said.finish,
			usage: answer.usage ?? said.usage,
		};
	}
	return said;
}

function joined(content: Message["content"], type: string): string {
	const parts = Array.isArray(content) ? (content as readonly Part[]) : [];
	return parts
		.filter((part) => part.type === type)
		.map((part) => (type === "text" ? part.text : part.thinking?.map((thought) => thought.text ?? "").join("")) ?? "")
		.join("");
}

function collect(message: Message, calls: { name: string; arguments: string }[], stream: boolean): void {
	for (const [position, call] of (message.tool_calls ?? []).entries()) {
		const index = stream ? (call.index ?? position) : position;
		const given = call.function.arguments;
		const fragment = typeof given === "string" ? given : JSON.stringify(given);
		const known = calls[index];
		if (known === undefined) {
			calls[index] = { name: call.function.name, arguments: fragment };
		} else {
			known.arguments += fragment;
		}
	}
}

import { createChatIngress } from "../dialects/openai-chat/ingress.ts";
import { scorePrompt as score } from "../routing/score.ts";
import type { RouteScore } from "../routing/types.ts";
import { readArguments } from "./arguments.ts";
import { CommandFailure } from "./failures.ts";
import { readLines } from "./read-lines.ts";
import { failed, type ScoreLineOptions, scoreLine, scoreText } from "./score-lines.ts";
import { formatTable } from "./table.ts";
import { type CliIo, type Command, EXIT } from "./types.ts";

/** As many characters as the largest request body may have bytes. */
const REQUEST_CHARACTERS_MAX = 10 * 1024 * 1024;
/** Output is written in pieces of about this size: a write for each line would be slower than the scoring. */
const WRITE_CHARACTERS = 64 * 1024;

export const scoreCommand: Command = {
	help: `Score a prompt as the router does: 0 (easy) to 1 (hard), and its bucket: simple, medium or complex.
Works offline: needs no gateway and no configuration.

Usage:
  gateway-llm score [--explain] < prompt.txt           all of standard input is one prompt
  gateway-llm score --jsonl [--explain] < requests     one JSON request a line in, one result a line out

With --jsonl a line is {"id"?, "messages", "tools"?, "response_format"?} or {"id"?, "prompt"}; its result is
{"id"?, "score", "bucket"}, in the same order. A line that is not such a request gives {"id"?, "error"}, and exit
code 1 at the end. Empty lines are skipped.

Options:
  --jsonl    Read JSON lines.
  --explain  Tell what moved the score, largest first.

Example:
  echo "What is the capital of France?" | gateway-llm score --explain
`,
	async run(argv, io) {
		const options = readArguments(argv, { jsonl: { type: "boolean" }, explain: { type: "boolean" } });
		const explain = options.flag("explain");
		return options.flag("jsonl") ? scoreRequests(io, explain) : scoreOnePrompt(io, explain);
	},
};

async function scoreRequests(io: CliIo, explain: boolean): Promise<number> {
	// Only the prompt's text is read here; its size in tokens is not asked for.
	const options: ScoreLineOptions = { score, ingress: createChatIngress(() => 0), explain };
	let output: string[] = [];
	let characters = 0;
	let allScored = true;
	for await (const line of readLines(io.stdin, { charactersMax: REQUEST_CHARACTERS_MAX })) {
		if (line?.trim() === "") {
			continue;
		}
		const { text, ok } =
			line === undefined
				? failed(undefined, `longer than ${REQUEST_CHARACTERS_MAX} characters`)
				: scoreLine(line, options);
		allScored &&= ok;
		output.push(text);
		characters += text.length;
		if (characters >= WRITE_CHARACTERS) {
			await io.stdout(output.join(""));
			output = [];
			characters = 0;
		}
	}
	if (output.length > 0) {
		await io.stdout(output.join(""));
	}
	return allScored ? EXIT.ok : EXIT.failed;
}

async function scoreOnePrompt(io: CliIo, explain: boolean): Promise<number> {
	const prompt = (await readAll(io.stdin)).trim();
	if (prompt === "") {
		throw new CommandFailure("no prompt on standard input.");
	}
	const result = scoreText(prompt, score);
	await io.stdout(`${result.score.toFixed(2)} ${result.bucket}\n${explain ? explanation(result) : ""}`);
	return EXIT.ok;
}

function explanation({ signals }: RouteScore): string {
	const rows = signals.map(({ name, contribution }) => [
		name,
		`${contribution < 0 ? "-" : "+"}${Math.abs(contribution).toFixed(3)}`,
	]);
	return `\n${formatTable([["SIGNAL", "CONTRIBUTION"], ...rows])}`;
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<string> {
	const decoder = new TextDecoder();
	let text = "";
	for await (const chunk of chunks) {
		text += decoder.decode(chunk, { stream: true });
		if (text.length > REQUEST_CHARACTERS_MAX) {
			throw new CommandFailure(`the prompt is longer than ${REQUEST_CHARACTERS_MAX} characters.`);
		}
	}
	return text + decoder.decode();
}

const LOREM =
	"lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua".split(
		" ",
	);

/** What the mock provider calls a token: a run of characters that are not white space. */
export function countTokens(text: string): number {
	let count = 0;
	for (const _ of text.matchAll(/\S+/g)) {
		count += 1;
	}
	return count;
}

/** Cuts a text into its tokens, each with the white space around it, so that joining them gives the text back. */
export function toTokens(text: string): string[] {
	const tokens: string[] = [];
	let leading = "";
	for (const [piece] of text.matchAll(/\S+\s*|\s+/g)) {
		if (/^\s/.test(piece)) {
			leading = piece;
		} else {
			tokens.push(leading + piece);
			leading = "";
		}
	}
	return tokens;
}

/** Exactly `count` tokens of the placeholder text. */
export function lorem(count: number): string[] {
	return repeatTokens(LOREM, count);
}

/** Exactly `count` tokens: those given, from the beginning again when they run out. */
export function repeatTokens(tokens: readonly string[], count: number): string[] {
	return Array.from({ length: tokens.length === 0 ? 0 : count }, (_, index) => {
		const token = tokens[index % tokens.length] ?? "";
		return index === count - 1 ? token.trimEnd() : `${token.trimEnd()} `;
	});
}

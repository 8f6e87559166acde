/**
 * The lines of a stream, without their ends. A line longer than the bound is yielded as undefined and takes no more
 * memory than the bound.
 */
export async function* readLines(
	chunks: AsyncIterable<Uint8Array>,
	{ charactersMax }: { readonly charactersMax: number },
): AsyncGenerator<string | undefined> {
	const decoder = new TextDecoder();
	let pending: string[] = [];
	let length = 0;
	function* take(text: string): Generator<string | undefined> {
		let from = 0;
		for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
			keep(text.slice(from, end));
			yield finish();
			from = end + 1;
		}
		keep(text.slice(from));
	}
	function keep(piece: string): void {
		length += piece.length;
		if (length <= charactersMax) {
			pending.push(piece);
		} else {
			pending = [];
		}
	}
	function finish(): string | undefined {
		const line = length <= charactersMax ? pending.join("") : undefined;
		pending = [];
		length = 0;
		return line?.endsWith("\r") ? line.slice(0, -1) : line;
	}
	for await (const chunk of chunks) {
		yield* take(decoder.decode(chunk, { stream: true }));
	}
	yield* take(decoder.decode());
	if (length > 0) {
		yield finish();
	}
}

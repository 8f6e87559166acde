/** Names longer than this are not compared: the cost is quadratic, and nobody mistypes a novel. */
const NAME_CHARACTERS_MAX = 128;

/**
 * The candidate a mistyped name most likely meant: fewest edits (Damerau-Levenshtein, so that swapped neighbours count
 * as one), case and `-`/`_` ignored. undefined when even the best is more than a third of the name away.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
	const wanted = fold(name);
	if (wanted.length > NAME_CHARACTERS_MAX) {
		return undefined;
	}
	let best: { readonly candidate: string; readonly distance: number } | undefined;
	for (const candidate of candidates) {
		const other = fold(candidate);
		if (Math.abs(other.length - wanted.length) > editsMax(wanted, other)) {
			continue;
		}
		const distance = editDistance(wanted, other);
		if (distance <= editsMax(wanted, other) && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
			best = { candidate, distance };
		}
	}
	return best?.candidate;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other. */
export function editDistance(from: string, to: string): number {
	let beforePrevious: number[] = [];
	let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
	for (let row = 1; row <= from.length; row += 1) {
		const current = [row];
		for (let column = 1; column <= to.length; column += 1) {
			const same = from[row - 1] === to[column - 1];
			let cost = Math.min(
				at(previous, column) + 1,
				at(current, column - 1) + 1,
				at(previous, column - 1) + (same ? 0 : 1),
			);
			if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
				cost = Math.min(cost, at(beforePrevious, column - 2) + 1);
			}
			current.push(cost);
		}
		beforePrevious = previous;
		previous = current;
	}
	return at(previous, to.length);
}

function at(row: readonly number[], index: number): number {
	return row[index] ?? Number.POSITIVE_INFINITY;
}

function fold(name: string): string {
	return name.toLowerCase().replaceAll("-", "_");
}

function editsMax(name: string, candidate: string): number {
	return Math.floor(Math.max(name.length, candidate.length) / 3);
}

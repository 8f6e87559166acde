/** A step into an object by name, into a list by number. */
export type PathStep = string | number;

const STEP = /\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/gy;

/** A singular path of RFC 9535 (`$.foo.bar[0]['a b']`) as steps; what is none is one name as a whole. */
export function readPath(path: string): PathStep[] {
	const text = path.startsWith("$") ? path.slice(1) : path;
	const steps: PathStep[] = [];
	let end = 0;
	for (const match of text.matchAll(STEP)) {
		const [whole, name, index, single, double] = match;
		end += whole.length;
		const quoted = (single ?? double)?.replaceAll(/\\(.)/g, "$1");
		steps.push(index === undefined ? (name ?? quoted ?? "") : Number(index));
	}
	return end === text.length ? steps : [text.replace(/^\./, "")];
}

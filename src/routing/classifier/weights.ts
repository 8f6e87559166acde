import { readFileSync } from "node:fs";
import type { Model } from "./model.ts";
import weightsPath from "./weights.bin" with { type: "file" };
import { decodeModel } from "./weights-file.ts";

/** The trained classifier: from the source tree, or from inside the executable. */
export function readWeights(): Model {
	const bytes = readFileSync(weightsPath);
	// Copied: what is read may lie anywhere in a shared buffer, and the arrays need to begin at multiples of eight.
	return decodeModel(new Uint8Array(bytes).buffer);
}

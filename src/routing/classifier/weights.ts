import { readFileSync } from "node:fs";
import type { Model } from "./model.ts";
import type { Tables } from "./tables.ts";
import weightsPath from "./weights.bin" with { type: "file" };
import { decodeModel } from "./weights-file.ts";

/** The trained classifier: from the source tree, or from inside the executable. */
export function readWeights(): Model {
	const bytes = readFileSync(weightsPath);
	// Copied: what is read may lie anywhere in a shared buffer, and the arrays need to begin at multiples of eight.
	const model = decodeModel(new Uint8Array(bytes).buffer);
	return { ...model, tables: withAllRows(model.tables) };
}

/**
 * With a scale and a weight, of 0, for the rows that have no vector. One look behind the end of an array and the engine
 * compiles for values that may be missing: all vectors took three times as long.
 */
function withAllRows(tables: Tables): Tables {
	const vectorScale = new Float32Array(tables.rowHash.length);
	const vectorWeight = new Float32Array(tables.rowHash.length);
	vectorScale.set(tables.vectorScale);
	vectorWeight.set(tables.vectorWeight);
	return { ...tables, vectorScale, vectorWeight };
}

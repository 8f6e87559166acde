import { join } from "node:path";
import { encodeModel } from "../../src/routing/classifier/weights-file.ts";
import { readExamples } from "./examples.ts";
import { fitModel, SHIPPED } from "./fit.ts";
import { buildTables } from "./lexicon.ts";

/**
 * Trains the route classifier from what lies beside this script, and writes the weights file and its hash.
 *
 *   bun run router:train            writes src/routing/classifier/weights.bin and weights.sha256
 *   bun run router:train --check    writes nothing; fails when the bytes differ from those checked in
 */

const FOLDER = join(import.meta.dir, "../../src/routing/classifier");

const startedAt = performance.now();
const bytes = encodeModel(fitModel(buildTables(), readExamples(), SHIPPED));
const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
console.log(`${hash}  ${(bytes.length / 1e6).toFixed(2)} MB  ${seconds} s`);

if (Bun.argv.includes("--check")) {
	const known = (await Bun.file(join(FOLDER, "weights.sha256")).text()).trim();
	if (known !== hash) {
		throw new Error(`The checked-in weights are ${known}.`);
	}
} else {
	await Bun.write(join(FOLDER, "weights.bin"), bytes);
	await Bun.write(join(FOLDER, "weights.sha256"), `${hash}\n`);
}

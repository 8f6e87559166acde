import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "bun";

const DATA = join(import.meta.dir, "data");

/** A prompt with the shares of weaker and of stronger models that got it right. */
export interface PoolRow {
	readonly id: string;
	readonly source: string;
	readonly group: string;
	readonly prompt: string;
	readonly weak: number;
	readonly strong: number;
	readonly tools: readonly unknown[];
}

export interface SchoolRow {
	readonly id: string;
	readonly prompt: string;
	readonly steps: number;
	readonly solution_chars: number;
}

export interface ChatRow {
	readonly id: string;
	readonly source: string;
	readonly category: string;
	readonly prompt: string;
}

export function readPool(): readonly PoolRow[] {
	return [...readRows<PoolRow>("pool.jsonl.gz"), ...readRows<PoolRow>("pool-share-alike.jsonl.gz")].map((row) => ({
		...row,
		tools: row.tools ?? [],
	}));
}

/** Multiple-choice questions of school and university subjects; `group` is the subject. */
export function readMmlu(): readonly PoolRow[] {
	return readRows<PoolRow & { readonly domain: string }>("mmlu-gold.jsonl.gz").map((row) => ({
		...row,
		source: "mmlu",
		group: row.domain,
		tools: [],
	}));
}

export function readSchool(): readonly SchoolRow[] {
	return readRows<SchoolRow>("gsm8k-train-steps.jsonl.gz");
}

export function readChat(): readonly ChatRow[] {
	return readRows<ChatRow>("unlabelled.jsonl.gz");
}

function readRows<T>(file: string): readonly T[] {
	return new TextDecoder()
		.decode(gunzipSync(readFileSync(join(DATA, file))))
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as T);
}

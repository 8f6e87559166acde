/** One prompt as the metrics see it: what the router says, and how often the weak and the strong model are right. */
export interface Judged {
	readonly score: number;
	readonly weak: number;
	readonly strong: number;
}

export interface RoutingQuality {
	/** Average share of the quality gap recovered over all shares of strong calls; random = 0.5. */
	readonly apgr: number;
	/** Share of strong calls needed for half and for four fifths of the gap, in percent. */
	readonly cpt50: number;
	readonly cpt80: number;
}

const STEPS = 10;

/**
 * RouteLLM's definition (arXiv 2406.18665): 11 thresholds at the deciles of the scores, calls at or above the threshold
 * go to the strong model, interpolated between them. Equal scores share what they recover.
 */
export function routingQuality(rows: readonly Judged[]): RoutingQuality {
	const sorted = [...rows].sort((left, right) => right.score - left.score);
	const total = sorted.reduce((sum, { weak, strong }) => sum + strong - weak, 0);
	const recovered = recoveredGap(sorted);
	const points = Array.from({ length: STEPS + 1 }, (_, step) => {
		const calls = (step / STEPS) * sorted.length;
		const low = Math.floor(calls);
		const at = recovered[low] ?? 0;
		const next = recovered[Math.min(low + 1, sorted.length)] ?? at;
		return (at + (next - at) * (calls - low)) / total;
	});
	let area = 0;
	for (let step = 0; step < STEPS; step += 1) {
		area += ((points[step] ?? 0) + (points[step + 1] ?? 0)) / 2 / STEPS;
	}
	return { apgr: area, cpt50: callsFor(0.5, points), cpt80: callsFor(0.8, points) };
}

/** The gap recovered by sending the first so many to the strong model. */
function recoveredGap(sorted: readonly Judged[]): readonly number[] {
	const recovered = [0];
	let sum = 0;
	for (let start = 0; start < sorted.length; ) {
		let end = start;
		let gap = 0;
		while (end < sorted.length && sorted[end]?.score === sorted[start]?.score) {
			gap += (sorted[end]?.strong ?? 0) - (sorted[end]?.weak ?? 0);
			end += 1;
		}
		for (let index = start; index < end; index += 1) {
			sum += gap / (end - start);
			recovered.push(sum);
		}
		start = end;
	}
	return recovered;
}

function callsFor(share: number, points: readonly number[]): number {
	for (let step = 1; step < points.length; step += 1) {
		const before = points[step - 1] ?? 0;
		const after = points[step] ?? 0;
		if (after >= share) {
			return (100 * (step - 1 + (after === before ? 0 : (share - before) / (after - before)))) / STEPS;
		}
	}
	return 100;
}

/** The chance that a hard one scores higher than an easy one. */
export function areaUnderCurve(easy: readonly number[], hard: readonly number[]): number {
	let wins = 0;
	for (const high of hard) {
		for (const low of easy) {
			wins += high > low ? 1 : high === low ? 0.5 : 0;
		}
	}
	return wins / (easy.length * hard.length);
}

/** Spearman's, ties shared. */
export function rankCorrelation(left: readonly number[], right: readonly number[]): number {
	const one = ranks(left);
	const two = ranks(right);
	const mean = (left.length - 1) / 2;
	let cross = 0;
	let first = 0;
	let second = 0;
	for (const [index, rank] of one.entries()) {
		const other = two[index] ?? 0;
		cross += (rank - mean) * (other - mean);
		first += (rank - mean) ** 2;
		second += (other - mean) ** 2;
	}
	return cross / Math.sqrt(first * second);
}

function ranks(values: readonly number[]): readonly number[] {
	const order = values.map((value, index) => ({ value, index })).sort((left, right) => left.value - right.value);
	const result = new Array<number>(values.length).fill(0);
	for (let start = 0; start < order.length; ) {
		let end = start;
		while (end < order.length && order[end]?.value === order[start]?.value) {
			end += 1;
		}
		for (let index = start; index < end; index += 1) {
			result[order[index]?.index ?? 0] = (start + end - 1) / 2;
		}
		start = end;
	}
	return result;
}

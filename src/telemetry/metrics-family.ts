import { familyHead, labelPairs, type MetricKind } from "./metrics-text.ts";

/** The label value that stands for all that have no series of their own. */
export const OTHER = "other";

/** All series of one metric. */
export interface Family<Series> {
	/**
	 * The series of these label values, made at first use. Allocates: whoever counts often keeps what it returns, until
	 * `onForgotten` is called.
	 */
	of(...values: readonly string[]): Series;
	/** "" while there is none. */
	render(): string;
}

export interface FamilyOptions<Series> {
	readonly name: string;
	readonly help: string;
	readonly kind: MetricKind;
	readonly labels: readonly string[];
	readonly create: () => Series;
	readonly lines: (name: string, pairs: string, series: Series) => string;
	/**
	 * So many series at most. What comes later is counted under `other` in these labels, of which the rest must be from
	 * closed lists.
	 */
	readonly bound?: FamilyBound | undefined;
}

export interface FamilyBound {
	readonly seriesMax: number;
	/** Labels whose values come from the configuration. */
	readonly open: readonly string[];
	/** Grows with each new configuration. Series of an older one make room when the family is full. */
	readonly version: () => number;
	/** Whether these label values are of the configuration in force. */
	readonly isCurrent: (label: string, value: string) => boolean;
	/** Series were dropped: those that were kept in hand may be among them. */
	readonly onForgotten: () => void;
}

interface Member<Series> {
	readonly values: readonly string[];
	readonly series: Series;
}

export function createFamily<Series>(options: FamilyOptions<Series>): Family<Series> {
	const { name, labels, create, bound } = options;
	const head = familyHead(name, options.kind, options.help);
	const members = new Map<string, Member<Series>>();
	let sweptVersion = 0;
	let overflowed = 0;

	function add(pairs: string, values: readonly string[]): Series {
		const series = create();
		members.set(pairs, { values, series });
		return series;
	}

	function isFull({ seriesMax, version, isCurrent, onForgotten }: FamilyBound): boolean {
		if (members.size - overflowed < seriesMax) {
			return false;
		}
		if (version() !== sweptVersion) {
			sweptVersion = version();
			const stale = [...members].filter(([, { values }]) =>
				labels.some((label, index) => values[index] !== OTHER && !isCurrent(label, values[index] ?? "")),
			);
			for (const [pairs] of stale) {
				members.delete(pairs);
			}
			onForgotten();
		}
		return members.size - overflowed >= seriesMax;
	}

	function overflow({ open }: FamilyBound, values: readonly string[]): Series {
		const shared = values.map((value, index) => (open.includes(labels[index] ?? "") ? OTHER : value));
		const pairs = labelPairs(labels, shared);
		const known = members.get(pairs);
		if (known !== undefined) {
			return known.series;
		}
		overflowed += 1;
		return add(pairs, shared);
	}

	return {
		of(...values) {
			const pairs = labelPairs(labels, values);
			const known = members.get(pairs);
			if (known !== undefined) {
				return known.series;
			}
			return bound !== undefined && isFull(bound) ? overflow(bound, values) : add(pairs, values);
		},
		render() {
			let text = members.size === 0 ? "" : head;
			for (const [pairs, { series }] of members) {
				text += options.lines(name, pairs, series);
			}
			return text;
		},
	};
}

/**
 * A strict reader of Prometheus' text format, version 0.0.4, written from its grammar and knowing nothing of the gateway:
 * https://prometheus.io/docs/instrumenting/exposition_formats/. Stricter than Prometheus itself: one blank between
 * tokens, HELP and TYPE of every metric, nothing twice.
 */
export interface Sample {
	readonly name: string;
	readonly labels: Readonly<Record<string, string>>;
	/** As it stands there. */
	readonly value: string;
}

export interface MetricFamily {
	readonly kind: string;
	readonly help: string;
	readonly samples: readonly Sample[];
}

export interface Exposition {
	readonly families: ReadonlyMap<string, MetricFamily>;
	/** The series of a metric with at least these labels. */
	find(name: string, labels?: Readonly<Record<string, string>>): readonly Sample[];
	/** The sum over them; 0 where there are none. */
	sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

const KINDS = ["counter", "gauge", "histogram", "summary", "untyped"];
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Inf|NaN)$/;

/** @throws Error saying which line breaks which rule. */
export function parseExposition(text: string): Exposition {
	if (!text.endsWith("\n")) {
		throw new Error("the last line does not end");
	}
	const families = new Map<string, { kind: string; help: string; samples: Sample[] }>();
	const seen = new Set<string>();
	const lines = text.slice(0, -1).split("\n");
	let current = "";
	for (let index = 0; index < lines.length; index += 1) {
		const line = lines[index] ?? "";
		const fail = (why: string) => new Error(`line ${index + 1}: ${why}: ${JSON.stringify(line)}`);
		if (line.startsWith("#")) {
			const { name, help } = readHelp(line, fail);
			const kind = readType(lines[index + 1] ?? "", name, fail);
			if (families.has(name)) {
				throw fail("a metric that was there before");
			}
			families.set(name, { kind, help, samples: [] });
			current = name;
			index += 1;
			continue;
		}
		const sample = readSample(line, fail);
		const family = families.get(current);
		if (family === undefined || !belongs(sample, current, family.kind)) {
			throw fail("a series outside its metric");
		}
		const key = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted()]);
		if (seen.has(key)) {
			throw fail("a series that was there before");
		}
		seen.add(key);
		family.samples.push(sample);
	}
	for (const [name, { kind, samples }] of families) {
		if (samples.length === 0) {
			throw new Error(`${name} has no series`);
		}
		if (kind === "histogram") {
			checkHistogram(name, samples);
		}
	}
	return view(families);
}

type Fail = (why: string) => Error;

function readHelp(line: string, fail: Fail): { readonly name: string; readonly help: string } {
	const rest = line.startsWith("# HELP ") ? line.slice("# HELP ".length) : undefined;
	const name = rest === undefined ? undefined : METRIC_NAME.exec(rest)?.[0];
	if (rest === undefined || name === undefined || rest[name.length] !== " ") {
		throw fail("not a HELP line");
	}
	const help = rest.slice(name.length + 1);
	if (help === "" || /\\(?![\\n])/.test(help.replaceAll("\\\\", ""))) {
		throw fail("a help text that is empty or wrongly escaped");
	}
	return { name, help };
}

function readType(line: string, name: string, fail: Fail): string {
	const kind = line.slice(`# TYPE ${name} `.length);
	if (!line.startsWith(`# TYPE ${name} `) || !KINDS.includes(kind)) {
		throw fail("HELP without TYPE");
	}
	return kind;
}

function readSample(line: string, fail: Fail): Sample {
	const name = METRIC_NAME.exec(line)?.[0];
	if (name === undefined) {
		throw fail("no metric name");
	}
	const { labels, rest } =
		line[name.length] === "{"
			? readLabels(line.slice(name.length + 1), fail)
			: { labels: {}, rest: line.slice(name.length) };
	const value = rest.slice(1);
	if (!rest.startsWith(" ") || !VALUE.test(value)) {
		throw fail("no value");
	}
	return { name, labels, value };
}

/** What follows the opening brace. */
function readLabels(text: string, fail: Fail): { readonly labels: Record<string, string>; readonly rest: string } {
	const labels: Record<string, string> = {};
	let rest = text;
	for (;;) {
		const name = LABEL_NAME.exec(rest)?.[0];
		if (name === undefined || !rest.startsWith(`${name}="`)) {
			throw fail("no label");
		}
		if (Object.hasOwn(labels, name)) {
			throw fail("a label twice");
		}
		const read = readValue(rest.slice(name.length + 2), fail);
		labels[name] = read.value;
		rest = read.rest;
		if (rest.startsWith("}")) {
			return { labels, rest: rest.slice(1) };
		}
		if (!rest.startsWith(",")) {
			throw fail("labels without a comma between");
		}
		rest = rest.slice(1);
	}
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\", '"': '"', n: "\n" };

function readValue(text: string, fail: Fail): { readonly value: string; readonly rest: string } {
	let value = "";
	for (let index = 0; index < text.length; index += 1) {
		const character = text[index] ?? "";
		if (character === '"') {
			return { value, rest: text.slice(index + 1) };
		}
		if (character !== "\\") {
			value += character;
			continue;
		}
		index += 1;
		const meant = ESCAPES[text[index] ?? ""];
		if (meant === undefined) {
			throw fail("an unknown escape");
		}
		value += meant;
	}
	throw fail("a label value without an end");
}

function belongs({ name }: Sample, family: string, kind: string): boolean {
	return kind === "histogram" ? ["_bucket", "_sum", "_count"].some((end) => name === family + end) : name === family;
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
	const groups = Map.groupBy(samples, ({ labels: { le: _, ...others } }) =>
		JSON.stringify(Object.entries(others).toSorted()),
	);
	for (const [group, members] of groups) {
		const buckets = members.filter((sample) => sample.name === `${name}_bucket`);
		const bounds = buckets.map(({ labels }) => (labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le)));
		const counts = buckets.map(({ value }) => Number(value));
		const total = members.filter((sample) => sample.name === `${name}_count`).map(({ value }) => Number(value));
		const sums = members.filter((sample) => sample.name === `${name}_sum`);
		const ascends = (numbers: readonly number[], strictly: boolean) =>
			numbers.every((number, index) => {
				const before = numbers[index - 1] ?? Number.NEGATIVE_INFINITY;
				return strictly ? number > before : number >= before;
			});
		const isWhole = total.length === 1 && sums.length === 1 && bounds.at(-1) === Number.POSITIVE_INFINITY;
		if (!isWhole || counts.at(-1) !== total[0] || !ascends(bounds, true) || !ascends(counts, false)) {
			throw new Error(`${name}${group} is no histogram`);
		}
	}
}

function view(families: ReadonlyMap<string, MetricFamily>): Exposition {
	function find(name: string, labels: Readonly<Record<string, string>> = {}): readonly Sample[] {
		return [...families.values()]
			.flatMap(({ samples }) => samples)
			.filter((sample) => sample.name === name)
			.filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
	}
	return {
		families,
		find,
		sum: (name, labels) => find(name, labels).reduce((sum, { value }) => sum + Number(value), 0),
	};
}

/**
 * Prometheus' text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
 * Names and help texts are the gateway's own; only label values may be anything.
 */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type MetricKind = "counter" | "gauge" | "histogram";

const MUST_BE_ESCAPED = /[\\"\n]/g;

function escaped(character: string): string {
	return character === "\n" ? "\\n" : `\\${character}`;
}

/** `name="value",…` without braces; "" where there are no labels. Equal for equal values only. */
export function labelPairs(names: readonly string[], values: readonly string[]): string {
	return names
		.map((name, index) => {
			// UTF-8 cannot say half a surrogate pair.
			const value = (values[index] ?? "").toWellFormed();
			return `${name}="${value.replace(MUST_BE_ESCAPED, escaped)}"`;
		})
		.join(",");
}

/** What stands above the series of one metric. */
export function familyHead(name: string, kind: MetricKind, help: string): string {
	return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
}

/** One line. `value` is a number already written out. */
export function seriesLine(name: string, pairs: string, value: string): string {
	return pairs === "" ? `${name} ${value}\n` : `${name}{${pairs}} ${value}\n`;
}

/** A number as Go's ParseFloat reads it. */
export function numberText(value: number): string {
	return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : value < 0 ? "-Inf" : "NaN";
}

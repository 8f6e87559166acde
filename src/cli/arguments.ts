import { parseArgs } from "node:util";
import { nearest } from "../lib/nearest.ts";
import { UsageError } from "./failures.ts";

export interface OptionSpec {
	readonly type: "string" | "boolean";
	readonly short?: string;
}

export interface Arguments {
	/** The value of an option; undefined when it was not given. */
	text(name: string): string | undefined;
	flag(name: string): boolean;
	readonly positionals: readonly string[];
}

/**
 * Reads the arguments of one command. `--name value` and `--name=value`; an option given twice is an error.
 * @throws UsageError naming the argument, and for a mistyped option the one that was probably meant.
 */
export function readArguments(
	argv: readonly string[],
	options: Readonly<Record<string, OptionSpec>>,
	positionalNames: readonly string[] = [],
): Arguments {
	const { tokens, positionals } = parseArgs({
		args: [...argv],
		options,
		strict: false,
		allowPositionals: true,
		tokens: true,
	});
	const values = new Map<string, string | true>();
	for (const token of tokens) {
		if (token.kind === "option") {
			if (values.has(token.name)) {
				throw new UsageError(`${token.rawName} was given twice.`);
			}
			values.set(token.name, optionValue(token, options));
		}
	}
	const surplus = positionals[positionalNames.length];
	if (surplus !== undefined) {
		throw new UsageError(`Unexpected argument: ${surplus}`);
	}
	const missing = positionalNames[positionals.length];
	if (missing !== undefined) {
		throw new UsageError(`${missing} is missing.`);
	}
	return {
		text(name) {
			const value = values.get(name);
			return value === true ? undefined : value;
		},
		flag: (name) => values.get(name) === true,
		positionals,
	};
}

function optionValue(
	token: { readonly name: string; readonly rawName: string; readonly value: string | undefined },
	options: Readonly<Record<string, OptionSpec>>,
): string | true {
	const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
	if (spec === undefined) {
		const meant = nearest(token.name, Object.keys(options));
		throw new UsageError(`Unknown option: ${token.rawName}${meant === undefined ? "" : `. Did you mean --${meant}?`}`);
	}
	if (spec.type === "boolean") {
		if (token.value !== undefined) {
			throw new UsageError(`${token.rawName} takes no value.`);
		}
		return true;
	}
	if (token.value === undefined) {
		throw new UsageError(`${token.rawName} needs a value.`);
	}
	return token.value;
}

import { findProvider, type MatchLogic, type ModelInfo, type Provider } from "@pydantic/genai-prices";

/** `20240718` inside a model name, which the catalogue writes `2024-07-18`. */
const COMPACT_DATE = /-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g;

/** A further version number (`-5`, `.1`), but not a date (`-05-20`, `-12-20`, `-20250929`) or a build (`-002`). */
const NEXT_VERSION = /^[-.][1-9]\d?(?!\d)(?!-\d\d(?!\d))/;

/** Longer spellings of a model's name: resource names of Google's APIs, and what AWS calls an ARN. */
const WRAPPINGS: Readonly<Record<string, RegExp>> = {
	google: /^(?:.*\/)?models\/|^google\//,
	aws: /^arn:.*\//,
};

/** A model's name in lower case, without the path that some providers allow before it. */
export function plainModelName(catalogue: string, model: string): string {
	const name = model.trim().toLowerCase();
	const wrapping = WRAPPINGS[catalogue];
	return wrapping === undefined ? name : name.replace(wrapping, "");
}

/**
 * The catalogue's entry for a model of one of its providers, by the catalogue's own matching clauses and nothing else:
 * no entry, no price.
 * @param name from `plainModelName`.
 */
export function findModel(catalogue: string, name: string): ModelInfo | undefined {
	const provider = providerById(catalogue);
	return provider && (search(provider, name) ?? search(provider, name.replace(COMPACT_DATE, "-$1-$2-$3")));
}

/** The package also resolves nicknames and substrings of provider ids; here a provider is meant or it is not. */
function providerById(id: string): Provider | undefined {
	const found = findProvider({ providerId: id });
	return found?.id === id ? found : undefined;
}

function search(provider: Provider, name: string): ModelInfo | undefined {
	const own = provider.models.find((candidate) => covers(candidate.match, name));
	if (own) {
		return own;
	}
	for (const id of provider.fallback_model_providers ?? []) {
		const other = providerById(id)?.models.find((candidate) => covers(candidate.match, name));
		if (other) {
			return other;
		}
	}
	return undefined;
}

/**
 * Whether a clause means this name. Open-ended clauses are read one notch more strictly than the package reads them:
 * `starts_with claude-sonnet-5` covers its snapshots but not `claude-sonnet-5-5`, a later model with another price.
 */
export function covers(match: MatchLogic, name: string): boolean {
	if ("or" in match) {
		return match.or.some((clause) => covers(clause, name));
	}
	if ("and" in match) {
		return match.and.every((clause) => covers(clause, name));
	}
	if ("equals" in match) {
		return name === match.equals.toLowerCase();
	}
	if ("starts_with" in match) {
		const prefix = match.starts_with.toLowerCase();
		return name.startsWith(prefix) && !NEXT_VERSION.test(name.slice(prefix.length));
	}
	if ("ends_with" in match) {
		return name.endsWith(match.ends_with.toLowerCase());
	}
	if ("contains" in match) {
		const part = match.contains.toLowerCase();
		const at = name.indexOf(part);
		return at >= 0 && !NEXT_VERSION.test(name.slice(at + part.length));
	}
	return new RegExp(match.regex).test(name);
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type Substitution =
	/** `whole`: the text was one single `${…}` and nothing else. */
	| { readonly kind: "text"; readonly text: string; readonly whole: boolean }
	/** Variables without value and default. `whole` as above. */
	| { readonly kind: "unset"; readonly variables: readonly string[]; readonly whole: boolean }
	| { readonly kind: "malformed"; readonly message: string };

/** `$$`, `${NAME}`, `${NAME:-default}`, and last an opening that is none of these. */
const DOLLAR = /\$\$|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|)/g;

/**
 * Fills in `${NAME}` and `${NAME:-default}` (the default also stands in for an empty value); `$$` is a dollar sign.
 * What is filled in is not looked at again. A lone `$` stays as it is.
 */
export function substitute(text: string, environment: Environment): Substitution {
	const unset = new Set<string>();
	let malformed = false;
	let whole = false;
	const filled = text.replace(DOLLAR, (match, name: string | undefined, fallback: string | undefined) => {
		if (match === "$$") {
			return "$";
		}
		if (name === undefined) {
			malformed = true;
			return "";
		}
		whole = match === text;
		const value = environment[name];
		if (fallback !== undefined && (value === undefined || value === "")) {
			return fallback;
		}
		if (value === undefined) {
			unset.add(name);
		}
		return value ?? "";
	});
	if (malformed) {
		return {
			kind: "malformed",
			message: `must have the form \${NAME} or \${NAME:-default}; write $$ for a dollar sign`,
		};
	}
	return unset.size > 0 ? { kind: "unset", variables: [...unset], whole } : { kind: "text", text: filled, whole };
}

import type { Ability } from "./types.ts";

/**
 * What models cannot do, where that is certain: a model that is not listed is taken to do everything, since a wrong entry
 * would take it out of rotation. From OpenAI's model pages (structured outputs came with gpt-4o-2024-08-06) and
 * https://api-docs.deepseek.com.
 */
const OPENAI: readonly (readonly [RegExp, readonly Ability[]])[] = [
	[/^gpt-3\.5-turbo/, ["images", "audio", "json_schema"]],
	[/^gpt-4(?:-0613|-0314|-1106-preview|-0125-preview|-turbo-preview)?$/, ["images", "audio", "json_schema"]],
	[/^gpt-4-turbo(?:-2024-04-09)?$/, ["audio", "json_schema"]],
	[/^gpt-4o-2024-05-13$/, ["json_schema"]],
	[/^o1-(?:mini|preview)/, ["tools", "images", "audio", "json_schema"]],
	[/^o3-mini/, ["images", "audio"]],
];
const DEEPSEEK: readonly (readonly [RegExp, readonly Ability[]])[] = [
	[/^deepseek-(?:chat|reasoner)$/, ["images", "audio", "json_schema"]],
];

/** By catalogue. Not Azure: there a name is whatever its owner called the deployment. */
const BY_CATALOGUE: Readonly<Record<string, readonly (readonly [RegExp, readonly Ability[]])[]>> = {
	openai: OPENAI,
	deepseek: DEEPSEEK,
};

const ALL: readonly Ability[] = ["tools", "images", "audio", "json_schema"];

/**
 * undefined where nothing is known to be missing.
 * @param name from `plainModelName`.
 */
export function abilitiesOf(catalogue: string, name: string): readonly Ability[] | undefined {
	const lacks = BY_CATALOGUE[catalogue]?.find(([pattern]) => pattern.test(name))?.[1];
	return lacks && ALL.filter((ability) => !lacks.includes(ability));
}

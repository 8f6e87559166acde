import type { Ability } from "./types.ts";

/**
 * What models cannot do, where that is certain: a model that is not listed is taken to do everything, since a wrong entry
 * would take it out of rotation. From OpenAI's model pages and https://api-docs.deepseek.com. Structured outputs
 * (`json_schema`) came with gpt-4o-2024-08-06; audio in is for the audio models only.
 */
const OPENAI: readonly (readonly [RegExp, readonly Ability[]])[] = [
	[/^gpt-3\.5-turbo/, ["tools"]],
	[/^gpt-4(?:-0613|-0314|-1106-preview|-0125-preview|-turbo-preview)?$/, ["tools"]],
	[/^gpt-4-turbo(?:-2024-04-09)?$/, ["tools", "images"]],
	[/^gpt-4o-2024-05-13$/, ["tools", "images"]],
	[/^o1-(?:mini|preview)/, []],
	[/^o3-mini/, ["tools", "json_schema"]],
	[/^gpt-4o(?:-mini)?(?:-\d{4}-\d\d-\d\d)?$/, ["tools", "images", "json_schema"]],
	[/^gpt-4\.1(?:-mini|-nano)?(?:-\d{4}-\d\d-\d\d)?$/, ["tools", "images", "json_schema"]],
];
const DEEPSEEK: readonly (readonly [RegExp, readonly Ability[]])[] = [[/^deepseek-(?:chat|reasoner)$/, ["tools"]]];

/** By catalogue. Not Azure: there a name is whatever its owner called the deployment. */
const BY_CATALOGUE: Readonly<Record<string, readonly (readonly [RegExp, readonly Ability[]])[]>> = {
	openai: OPENAI,
	deepseek: DEEPSEEK,
};

/**
 * undefined where nothing is known to be missing.
 * @param name from `plainModelName`.
 */
export function abilitiesOf(catalogue: string, name: string): readonly Ability[] | undefined {
	return BY_CATALOGUE[catalogue]?.find(([pattern]) => pattern.test(name))?.[1];
}

import { z } from "zod";

/** One line of text for people and logs: not empty, no control characters, none of which could forge a log line. */
export function lineSchema(charactersMax: number) {
	return z
		.string()
		.min(1)
		.max(charactersMax)
		.regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, "must not contain control characters")
		.refine((text) => text.trim() === text, "must not begin or end with spaces");
}

/** A credential that travels in a header: printable, no spaces, so that it cannot break out of the header. */
export const secretSchema = z
	.string()
	.min(1)
	.max(4_096)
	.regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces")
	.meta({ title: "secret" });

export const environmentVariableSchema = z
	.string()
	.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable, such as OPENAI_API_KEY")
	.max(256)
	.meta({ title: "variable name" });

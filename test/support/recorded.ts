import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ResponseParts, respond } from "./replies.ts";
import type { Reply } from "./upstream.ts";

const DIRECTORY = join(import.meta.dir, "../fixtures/recorded");

/** One recorded exchange with a real provider. See test/fixtures/recorded/README.md. */
export interface RecordedCase {
	readonly id: string;
	readonly api: string;
	readonly stream: boolean;
	readonly model: string | undefined;
	readonly status: number;
	readonly shows: readonly string[];
	readonly sure: boolean;
	readonly request: { readonly method: string; readonly path: string; readonly body: Record<string, unknown> | null };
	readonly response: { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer };
}

interface CaseFile {
	readonly request: RecordedCase["request"];
	readonly response: {
		readonly headers: Readonly<Record<string, string>>;
		readonly encoding: "utf8-lines" | "base64";
		readonly body: readonly string[];
	};
}

/** Every recorded case of these wire formats. Read once a call, synchronously, so that tests can be made from it. */
export function recordedCases(
	matches: (entry: { api: string; stream: boolean; status: number }) => boolean,
): RecordedCase[] {
	// The fixtures' own index: its fields are asserted by the tests that use them.
	const index = JSON.parse(readFileSync(join(DIRECTORY, "index.json"), "utf8")) as (Omit<
		RecordedCase,
		"request" | "response"
	> & { readonly file: string })[];
	return index.filter(matches).map(({ file, ...entry }) => {
		const { request, response } = JSON.parse(readFileSync(join(DIRECTORY, file), "utf8")) as CaseFile;
		const body =
			response.encoding === "base64"
				? Buffer.from(response.body.join(""), "base64")
				: Buffer.from(response.body.join("\n"));
		return { ...entry, request, response: { headers: response.headers, body } };
	});
}

/** The recorded answer, as its provider sent it. */
export function replay(recorded: RecordedCase, options: Pick<ResponseParts, "cuts" | "framing"> = {}): Reply {
	return respond({
		status: recorded.status,
		headers: recorded.response.headers,
		body: recorded.response.body,
		framing: options.framing ?? (recorded.stream ? "chunked" : "length"),
		...(options.cuts === undefined ? {} : { cuts: options.cuts }),
	});
}

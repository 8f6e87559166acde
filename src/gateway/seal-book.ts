import { createRecent } from "../lib/recent.ts";

/** What is known of sealed content, by its marks. In memory: an instance that knows nothing learns it by being refused. */
export interface SealBook {
	/** The account has made all of these. */
	made(marks: readonly string[], account: string): void;
	/** The account that has made what bears one of these marks; undefined = nobody knows. */
	makerOf(marks: readonly string[]): string | undefined;
	/** The reader (an account and its model) said that it cannot read this. */
	refused(marks: readonly string[], reader: string): void;
	hasRefused(marks: readonly string[], reader: string): boolean;
}

/** Each takes about 200 bytes. A turn of an agent makes about six. */
const ENTRIES_MAX = 50_000;

export function createSealBook(entriesMax = ENTRIES_MAX): SealBook {
	const makers = createRecent<string>(entriesMax);
	const refusals = createRecent<true>(entriesMax);
	return {
		made(marks, account) {
			for (const mark of marks) {
				makers.put(mark, account);
			}
		},
		makerOf(marks) {
			for (const mark of marks) {
				const account = makers.get(mark);
				if (account !== undefined) {
					// A conversation that goes on keeps its state known.
					makers.put(mark, account);
					return account;
				}
			}
			return undefined;
		},
		refused(marks, reader) {
			for (const mark of marks) {
				refusals.put(`${mark}\n${reader}`, true);
			}
		},
		hasRefused: (marks, reader) => refusals.size() > 0 && marks.some((mark) => refusals.get(`${mark}\n${reader}`)),
	};
}

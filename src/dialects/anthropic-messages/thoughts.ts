import type { ReasoningDetail } from "../chat-hub/reasoning.ts";

/**
 * The thinking of one answer, in order. Thinking in front of everything else needs no place; what comes later bears the
 * id of the call it stands in front of, so that it can go back there: newer models refuse a conversation in which
 * thinking was moved.
 * @see https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks
 */
export interface Thoughts {
	/**
	 * @param tell The thought, once it is complete.
	 * @param isFront Nothing but thinking has come before it.
	 */
	add(tell: () => ReasoningDetail, isFront: boolean): void;
	/** A call follows. */
	call(id: string): void;
	details(): readonly ReasoningDetail[];
}

export function createThoughts(): Thoughts {
	const thoughts: { readonly tell: () => ReasoningDetail; readonly isFront: boolean; call: string | undefined }[] = [];
	return {
		add: (tell, isFront) => void thoughts.push({ tell, isFront, call: undefined }),
		call(id) {
			for (const thought of thoughts) {
				thought.call ??= thought.isFront ? undefined : id;
			}
		},
		details: () => thoughts.map(({ tell, call }) => ({ ...tell(), id: call })),
	};
}

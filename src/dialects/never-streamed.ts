/** For operations whose answers OpenAI never streams: asking for a stream reader is a bug of the caller. */
export function neverStreamed(operation: string): () => never {
	return () => {
		throw new Error(`Answers of ${operation} are never streamed.`);
	};
}

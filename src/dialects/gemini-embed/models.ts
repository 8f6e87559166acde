/**
 * Gemini Embedding 2 and what comes after it (`gemini-embedding-2-preview`), in front of or behind a path. The first one is
 * called `gemini-embedding-001`.
 */
export function isGeminiEmbedding2(model: string): boolean {
	return /gemini-embedding-[1-9]/.test(model);
}

/** How a letter begins; whatever begins otherwise is none, and is not looked through. */
const LETTER =
	/^(?:from|to|cc|bcc|date|sent|reply-to|subject|re|betreff|objet|asunto|dear|hi|hello|hey|good|i hope|we hope)\b/i;
/** Lines in front of a mail's text. */
const HEADERS = /^(?:(?:from|to|cc|bcc|date|sent|reply-to)\s*:[^\n]*\n+)+/i;
const SUBJECT = /^(?:subject|re|betreff|objet|asunto)\s*:[^\n]*\n+/i;
const OPENING = /^(?:(?:dear|hi|hello|hey)\b[^\n?.:]{0,40}[,!]\s*\n\s*)?(?:i|we) hope [^\n?:]{0,60}\s*\n\s*/i;
/** "Best regards, Ann Miller, Acme Ltd.": what ends a letter, and up to five short lines below it. */
const SIGNATURE =
	/\n+(?:--|(?:(?:best|kind|kindest|warm|many)\s)?(?:regards|wishes|thanks)(?:\sand\s[^\n]{0,20})?|cheers|sincerely|yours\s[^\n]{0,20}|sent from my[^\n]{0,30})[,.!]?(?:\n+[^\n?]{0,40}){0,5}$/i;
/** A signature stands within the last characters. */
const SIGNATURE_LENGTH_MAX = 260;

/** The text of a letter: without the lines of a mail in front of it, and without the signature. */
export function withoutLetter(text: string): string {
	if (!LETTER.test(text) || !text.includes("\n")) {
		return text;
	}
	const addressed = text.replace(HEADERS, "");
	const body = addressed
		.replace(SUBJECT, (line) => (line.length < addressed.length - line.length ? "" : line))
		.replace(HEADERS, "")
		.replace(OPENING, "");
	const from = Math.max(1, body.length - SIGNATURE_LENGTH_MAX);
	const at = body.slice(from).search(SIGNATURE);
	return at < 0 ? body : body.slice(0, from + at);
}

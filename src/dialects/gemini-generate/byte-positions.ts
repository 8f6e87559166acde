/** Where a byte of a text's UTF-8 lies in the text as JavaScript counts it. Beyond the end is the end. */
export function bytePositions(text: string): (byte: number) => number {
	const bytes = Buffer.from(text, "utf8");
	if (bytes.length === text.length) {
		return (byte) => Math.min(Math.max(0, byte), text.length);
	}
	return (byte) => bytes.toString("utf8", 0, Math.min(Math.max(0, byte), bytes.length)).length;
}

/** Where a byte of a text's UTF-8 lies in the text as JavaScript counts it: within a character is its beginning, beyond the end the end. */
export function bytePositions(text: string): (byte: number) => number {
	const bytes = Buffer.from(text, "utf8");
	if (bytes.length === text.length) {
		return (byte) => Math.min(byte, text.length);
	}
	return (byte) => {
		let end = Math.min(byte, bytes.length);
		while (isWithin(bytes[end])) {
			end -= 1;
		}
		return bytes.toString("utf8", 0, end).length;
	};
}

/** All bytes of a character but its first begin with the bits 10. */
function isWithin(byte: number | undefined): boolean {
	return byte !== undefined && byte >> 6 === 0b10;
}

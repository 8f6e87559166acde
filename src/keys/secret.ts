const PREFIX = "gw_virt_";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_BYTES = 32;
/** The fewest base62 digits that hold 256 bits. */
const BODY_LENGTH = 43;
const CHECKSUM_LENGTH = 4;
const SHAPE = /^gw_virt_[0-9A-Za-z]{47}$/;

/**
 * A new secret: `gw_virt_`, 256 random bits, and a checksum by which a mistyped key and a false find of a secret scanner
 * are told apart from a real key without asking anybody.
 */
export function mintSecret(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
	const base = BigInt(ALPHABET.length);
	let rest = BigInt(`0x${bytes.toHex()}`);
	let body = "";
	while (body.length < BODY_LENGTH) {
		body += ALPHABET[Number(rest % base)];
		rest /= base;
	}
	return `${PREFIX}${body}${checksum(body)}`;
}

/**
 * SHA-256 of a secret. A slow hash would protect guessable secrets; this one has 256 bits.
 * @param digest 32 bytes to write into, so that a look-up allocates nothing.
 */
export function digestSecret(secret: string, digest: Uint8Array<ArrayBuffer>): void {
	Bun.SHA256.hash(secret, digest);
}

/** SHA-256 of a secret, hex: what is stored. */
export function hashSecret(secret: string): string {
	return Bun.SHA256.hash(secret, "hex");
}

/** Whether a text can be a secret of ours: prefix, length, alphabet, checksum. */
export function hasValidShape(text: string): boolean {
	return SHAPE.test(text) && text.endsWith(checksum(text.slice(PREFIX.length, -CHECKSUM_LENGTH)));
}

/** What people may see of a secret: the prefix and the last four characters. */
export function hintOf(secret: string): string {
	return `${PREFIX}…${secret.slice(-CHECKSUM_LENGTH)}`;
}

/** CRC32 of the body, its lowest four base62 digits. */
function checksum(body: string): string {
	let rest = Bun.hash.crc32(body);
	let text = "";
	for (let index = 0; index < CHECKSUM_LENGTH; index += 1) {
		text += ALPHABET[rest % ALPHABET.length];
		rest = Math.floor(rest / ALPHABET.length);
	}
	return text;
}

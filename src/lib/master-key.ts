const MASTER_KEY_CHARACTERS_MIN = 16;

/** What people type when they mean to choose a key later. Compared without case, separators and padding. */
const WELL_KNOWN = new Set([
	"sk1234",
	"admin",
	"administrator",
	"adminadmin",
	"changeit",
	"changeme",
	"changethis",
	"default",
	"dummy",
	"example",
	"gateway",
	"gatewayllm",
	"gatewayllmmasterkey",
	"letmein",
	"master",
	"masterkey",
	"mymasterkey",
	"mysecretmasterkey",
	"password",
	"placeholder",
	"qwerty",
	"qwertyuiop",
	"qwertyuiopasdfgh",
	"replaceme",
	"root",
	"secret",
	"secretkey",
	"skmaster",
	"supersecret",
	"test",
	"testtest",
	"yourmasterkey",
	"yourmasterkeyhere",
	"yoursecretkeyhere",
]);

const DISTINCT_CHARACTERS_MIN = 5;

/**
 * Why a master key must not be used, as the end of a sentence ("must …"); undefined when nothing is wrong with it.
 * Never quotes the key.
 */
export function checkMasterKey(key: string): string | undefined {
	if (key.length < MASTER_KEY_CHARACTERS_MIN) {
		return `must be at least ${MASTER_KEY_CHARACTERS_MIN} characters long; \`openssl rand -hex 32\` makes a good one`;
	}
	if (key.length > 1_024 || !/^[\x21-\x7e]+$/.test(key)) {
		return "must be printable ASCII without spaces, at most 1024 characters, since it travels in a header";
	}
	if (isWellKnown(key) || isRepetition(key) || isSequence(key)) {
		return "must not be a well-known or guessable text; `openssl rand -hex 32` makes a good one";
	}
	return undefined;
}

function isWellKnown(key: string): boolean {
	const letters = key.toLowerCase().replace(/[^a-z0-9]/g, "");
	// `changeme00000000` and `1234password1234` are no better for their padding, nor is a word for being said twice.
	const words = [
		letters,
		letters.replace(/^\d+|\d+$/g, ""),
		letters.replace(/(.)\1+$/, ""),
		letters.replace(/(.)\1+$/, "$1"),
	];
	return words.some((word) => WELL_KNOWN.has(word) || WELL_KNOWN.has(repeatedUnit(word)));
}

/** `aaaaaaaaaaaaaaaa`, `sk-1234sk-1234sk-1234`, `abababababababab`. */
function isRepetition(key: string): boolean {
	return new Set(key).size < DISTINCT_CHARACTERS_MIN || repeatedUnit(key).length <= 8;
}

/** The shortest beginning that, said over and over (the last time perhaps in part), gives the whole text. */
function repeatedUnit(text: string): string {
	for (let length = 1; length * 2 <= text.length; length += 1) {
		if (text.slice(length) === text.slice(0, -length)) {
			return text.slice(0, length);
		}
	}
	return text;
}

/** `0123456789abcdef`, `1234567890123456`, `sk-1234567890abcdef`: most characters merely follow the one before. */
function isSequence(key: string): boolean {
	let following = 0;
	for (let index = 1; index < key.length; index += 1) {
		const step = key.charCodeAt(index) - key.charCodeAt(index - 1);
		following += Math.abs(step) <= 1 || step === -9 ? 1 : 0;
	}
	return following >= 0.7 * (key.length - 1);
}

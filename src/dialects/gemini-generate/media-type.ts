const BY_ENDING: ReadonlyMap<string, string> = new Map([
	["jpg", "image/jpeg"],
	["jpeg", "image/jpeg"],
	["png", "image/png"],
	["webp", "image/webp"],
	["gif", "image/gif"],
	["heic", "image/heic"],
	["heif", "image/heif"],
	["bmp", "image/bmp"],
	["pdf", "application/pdf"],
	["txt", "text/plain"],
	["md", "text/markdown"],
	["csv", "text/csv"],
	["html", "text/html"],
	["htm", "text/html"],
	["css", "text/css"],
	["xml", "text/xml"],
	["json", "application/json"],
	["wav", "audio/wav"],
	["mp3", "audio/mp3"],
	["aiff", "audio/aiff"],
	["aac", "audio/aac"],
	["m4a", "audio/m4a"],
	["ogg", "audio/ogg"],
	["flac", "audio/flac"],
	["mp4", "video/mp4"],
	["mpeg", "video/mpeg"],
	["mpg", "video/mpg"],
	["mov", "video/quicktime"],
	["avi", "video/x-msvideo"],
	["flv", "video/x-flv"],
	["webm", "video/webm"],
	["wmv", "video/x-ms-wmv"],
	["3gp", "video/3gpp"],
]);

/** What a file name or the path of an address ends in tells its kind. */
export function typeOfEnding(name: string | undefined): string | undefined {
	if (name === undefined) {
		return undefined;
	}
	const path = URL.parse(name)?.pathname ?? name;
	return BY_ENDING.get(path.split(".").at(-1)?.toLowerCase() ?? "");
}

/** How the base64 of some kinds begins. */
const BY_BEGINNING: readonly (readonly [string, string])[] = [
	["/9j/", "image/jpeg"],
	["iVBORw0KGgo", "image/png"],
	["R0lGOD", "image/gif"],
	["JVBERi", "application/pdf"],
	["SUQz", "audio/mp3"],
	["T2dnUw", "audio/ogg"],
	["ZkxhQ", "audio/flac"],
];

/** The kind that the data itself shows. */
export function typeOfData(base64: string): string | undefined {
	if (base64.startsWith("UklGR")) {
		// RIFF holds both; its eighth to twelfth byte say which.
		const form = Buffer.from(base64.slice(0, 16), "base64").toString("latin1", 8, 12);
		return form === "WEBP" ? "image/webp" : form === "WAVE" ? "audio/wav" : undefined;
	}
	return BY_BEGINNING.find(([beginning]) => base64.startsWith(beginning))?.[1];
}

const SPELLINGS: ReadonlyMap<string, string> = new Map([
	["image/jpg", "image/jpeg"],
	["audio/mpeg", "audio/mp3"],
	["audio/x-wav", "audio/wav"],
	["audio/wave", "audio/wav"],
]);

/** The spelling that Google lists: https://ai.google.dev/gemini-api/docs/audio#supported-formats */
export function googleType(type: string): string {
	return SPELLINGS.get(type.toLowerCase()) ?? type;
}

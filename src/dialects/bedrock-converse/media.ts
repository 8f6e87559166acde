import { badRequest } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { MediaSource } from "../chat-hub/parts.ts";

/** The kinds of media a Converse message holds, and the formats of each by media type. */
export type MediaKind = "image" | "document" | "video" | "audio";

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html and the like of the others */
const FORMATS: Readonly<Record<MediaKind, ReadonlyMap<string, string>>> = {
	image: new Map([
		["image/png", "png"],
		["image/jpeg", "jpeg"],
		["image/jpg", "jpeg"],
		["image/gif", "gif"],
		["image/webp", "webp"],
	]),
	document: new Map([
		["application/pdf", "pdf"],
		["text/csv", "csv"],
		["application/msword", "doc"],
		["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"],
		["application/vnd.ms-excel", "xls"],
		["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"],
		["text/html", "html"],
		["text/plain", "txt"],
		["text/markdown", "md"],
		// Text all the same, for which Converse has no word of its own.
		["application/json", "txt"],
		["application/xml", "txt"],
		["application/yaml", "txt"],
	]),
	video: new Map([
		["video/mp4", "mp4"],
		["video/quicktime", "mov"],
		["video/x-matroska", "mkv"],
		["video/webm", "webm"],
		["video/x-flv", "flv"],
		["video/mpeg", "mpeg"],
		["video/mpg", "mpg"],
		["video/x-ms-wmv", "wmv"],
		["video/wmv", "wmv"],
		["video/3gpp", "three_gp"],
	]),
	audio: new Map([
		["audio/mpeg", "mp3"],
		["audio/mp3", "mp3"],
		["audio/wav", "wav"],
		["audio/wave", "wav"],
		["audio/x-wav", "wav"],
		["audio/flac", "flac"],
		["audio/ogg", "ogg"],
		["audio/opus", "opus"],
		["audio/aac", "aac"],
		["audio/x-aac", "x-aac"],
		["audio/mp4", "mp4"],
		["audio/m4a", "m4a"],
		["audio/x-m4a", "m4a"],
		["audio/webm", "webm"],
		["audio/x-matroska", "mka"],
		["audio/pcm", "pcm"],
		["audio/pcm16", "pcm"],
	]),
};

interface Ending {
	readonly kind: MediaKind;
	readonly format: string;
}

const endings = (kind: MediaKind, formats: readonly string[]): [string, Ending][] =>
	formats.map((format) => [format, { kind, format }]);

/** Formats by the ending of a name. */
const ENDINGS: ReadonlyMap<string, Ending> = new Map<string, Ending>([
	...endings("image", ["png", "jpeg", "gif", "webp"]),
	...endings("document", ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"]),
	...endings("video", ["mp4", "mov", "mkv", "webm", "flv", "mpeg", "mpg", "wmv"]),
	...endings("audio", ["mp3", "wav", "flac", "ogg", "opus", "aac", "m4a", "mka", "mpga", "pcm"]),
	["jpg", { kind: "image", format: "jpeg" }],
	["htm", { kind: "document", format: "html" }],
	["markdown", { kind: "document", format: "md" }],
	["json", { kind: "document", format: "txt" }],
	["3gp", { kind: "video", format: "three_gp" }],
]);

/** How a picture begins, in base64. It wins: some clients send no type or a wrong one, and Claude refuses a wrong one. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
	["iVBORw0KGgo", "png"],
	["/9j/", "jpeg"],
	["R0lGOD", "gif"],
	["UklGR", "webp"],
];

/**
 * `{format, source}` of a media block. Bedrock fetches nothing from the web and keeps no files. It would read objects of S3
 * (`s3Location`), but with the rights of the gateway's own account: no client may name one.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageSource.html
 * @throws GatewayError 400 naming the field, and what to do.
 */
export function mediaBlock(kind: MediaKind, source: MediaSource, param: string, name?: string): JsonObject {
	if (source.kind !== "data") {
		const refused = source.kind === "id" ? "keeps no files" : `does not fetch a ${kind} from an address`;
		throw badRequest(
			`Bedrock ${refused}: send the ${kind} in '${param}' as a data URL (base64).`,
			param,
			"unsupported_content",
		);
	}
	const format = formatOf(kind, source, name);
	if (format === undefined) {
		const known = [...new Set(FORMATS[kind].values())].join(", ");
		throw badRequest(
			`The ${kind} in '${param}' is of a format that Bedrock does not take. Use one of: ${known}.`,
			param,
			"unsupported_content",
		);
	}
	return { format, source: { bytes: source.base64 } };
}

/** What kind of media a file is, by its type, else by its name; documents where nothing tells. */
export function kindOfFile(source: MediaSource, name: string | undefined): MediaKind {
	const type = source.kind === "data" ? plainType(source.mediaType) : undefined;
	for (const kind of ["image", "video", "audio"] as const) {
		if (type?.startsWith(`${kind}/`)) {
			return kind;
		}
	}
	return (FORMATS.document.has(type ?? "") ? undefined : endingOf(name)?.kind) ?? "document";
}

type DataSource = Extract<MediaSource, { kind: "data" }>;

function formatOf(kind: MediaKind, { mediaType, base64 }: DataSource, name: string | undefined): string | undefined {
	const type = plainType(mediaType);
	const begun = kind === "image" ? BEGINNINGS.find(([beginning]) => base64.startsWith(beginning))?.[1] : undefined;
	const told = begun ?? FORMATS[kind].get(type ?? "");
	if (told !== undefined) {
		return told;
	}
	const ending = endingOf(name);
	if (ending?.kind === kind) {
		return ending.format;
	}
	// Any other text (`text/x-python`) can be read as text.
	return kind === "document" && type?.startsWith("text/") ? "txt" : undefined;
}

/** Without parameters: `text/plain; charset=utf-8`. */
function plainType(type: string | undefined): string | undefined {
	return type?.split(";")[0]?.trim().toLowerCase();
}

function endingOf(name: string | undefined): Ending | undefined {
	return ENDINGS.get(name?.split(".").at(-1)?.toLowerCase() ?? "");
}

/** Severity of a log line. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Facts of a log line. Never a prompt, an answer, a key or a header of a request. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Structured logs: one event, one line. */
export interface Logger {
	debug(event: string, fields?: LogFields): void;
	info(event: string, fields?: LogFields): void;
	warn(event: string, fields?: LogFields): void;
	error(event: string, fields?: LogFields): void;
	/** Registers a secret: its text is replaced wherever it would appear. */
	redact(secret: string): void;
	/** Writes what is buffered. */
	flush(): void;
}

export interface LoggerOptions {
	/** Receives whole lines, newline included. */
	readonly write: (text: string) => void;
	readonly format: "json" | "text";
	readonly level: LogLevel;
	/** Wall clock, Unix milliseconds. */
	readonly now: () => number;
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warn: 30, error: 40 };
/** Lines wait at most this long, or until this many characters are waiting, so that a request never pays for a write. */
const FLUSH_AFTER_MS = 50;
const BUFFER_CHARACTERS_MAX = 64 * 1024;
/** A secret shorter than this would be found inside innocent text. */
const SECRET_CHARACTERS_MIN = 8;

export function createLogger(options: LoggerOptions): Logger {
	const secrets = new Set<string>();
	let waiting = "";
	let timer: ReturnType<typeof setTimeout> | undefined;

	function flush(): void {
		clearTimeout(timer);
		timer = undefined;
		if (waiting !== "") {
			const text = waiting;
			waiting = "";
			options.write(text);
		}
	}

	function emit(level: LogLevel, event: string, fields: LogFields | undefined): void {
		if (SEVERITY[level] < SEVERITY[options.level]) {
			return;
		}
		let line =
			options.format === "json"
				? jsonLine(options.now(), level, event, fields)
				: textLine(options.now(), level, event, fields);
		for (const secret of secrets) {
			if (line.includes(secret)) {
				line = line.replaceAll(secret, "[redacted]");
			}
		}
		waiting += line;
		if (level === "warn" || level === "error" || waiting.length > BUFFER_CHARACTERS_MAX) {
			flush();
		} else if (timer === undefined) {
			timer = setTimeout(flush, FLUSH_AFTER_MS);
			timer.unref();
		}
	}

	return {
		debug: (event, fields) => emit("debug", event, fields),
		info: (event, fields) => emit("info", event, fields),
		warn: (event, fields) => emit("warn", event, fields),
		error: (event, fields) => emit("error", event, fields),
		redact(secret) {
			if (secret.length >= SECRET_CHARACTERS_MIN) {
				secrets.add(secret);
			}
		},
		flush,
	};
}

function jsonLine(nowMs: number, level: LogLevel, event: string, fields: LogFields | undefined): string {
	return `${JSON.stringify({ time: new Date(nowMs).toISOString(), level, event, ...fields })}\n`;
}

function textLine(nowMs: number, level: LogLevel, event: string, fields: LogFields | undefined): string {
	const facts = Object.entries(fields ?? {})
		.filter(([, value]) => value !== undefined)
		.map(
			([name, value]) =>
				`${name}=${typeof value === "string" && /[\s"=]|^$/.test(value) ? JSON.stringify(value) : value}`,
		);
	// Control characters in a value must not forge a second line or colour a terminal.
	const text = [new Date(nowMs).toISOString().slice(11, 23), level.toUpperCase().padEnd(5), event, ...facts].join(" ");
	return `${text.replace(/\p{Cc}/gu, " ")}\n`;
}

import { existsSync, writeFileSync } from "node:fs";

/** Where Debian's and Ubuntu's package `faketime` puts its library, on x64 and on ARM. */
const LIBRARIES = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`);

/** The calendar of another process. Its monotonic clock stays true, as it would on a machine whose clock is set. */
export interface FakeTime {
	readonly environment: Readonly<Record<string, string>>;
	/** What its calendar says now, Unix milliseconds. */
	now(): number;
	/** Sets it, from one moment to the next. */
	set(atMs: number): void;
}

/** undefined where the library is not installed (`apt-get install faketime`). */
export function createFakeTime(file: string, startMs: number, zone: string): FakeTime | undefined {
	const library = LIBRARIES.find((path) => existsSync(path));
	if (library === undefined) {
		return undefined;
	}
	let offsetMs = 0;
	const set = (atMs: number) => {
		// Whole milliseconds: both sides count in these.
		offsetMs = Math.round(atMs - Date.now());
		const sign = offsetMs < 0 ? "-" : "+";
		writeFileSync(file, `${sign}${(Math.abs(offsetMs) / 1_000).toFixed(3)}\n`);
	};
	set(startMs);
	return {
		environment: {
			LD_PRELOAD: library,
			FAKETIME_TIMESTAMP_FILE: file,
			FAKETIME_NO_CACHE: "1",
			FAKETIME_DONT_FAKE_MONOTONIC: "1",
			DONT_FAKE_MONOTONIC: "1",
			TZ: zone,
		},
		now: () => Date.now() + offsetMs,
		set,
	};
}

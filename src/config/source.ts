import { type FSWatcher, watch as watchDirectory } from "node:fs";
import { basename, dirname } from "node:path";
import { failed, type LoadResult } from "./load.ts";
import type { ConfigProblem } from "./problem.ts";
import { readConfigFile } from "./read-file.ts";
import type { Settings } from "./settings.ts";
import type { ConfigSource, Snapshot } from "./types.ts";

/** Editors and deployments write a file in several steps; one look after the last of them is enough. */
const SETTLE_MS = 100;
/** A Kubernetes volume changes by renaming this link: https://kubernetes.io/docs/concepts/configuration/configmap/ */
const VOLUME_LINK = "..data";

export interface ConfigSourceDeps {
	/** Absolute path; undefined = the built-in default, which never changes. */
	readonly file: string | undefined;
	/** What the gateway starts with, and the text it was read from. */
	readonly initial: { readonly text: string; readonly settings: Settings };
	readonly load: (text: string) => LoadResult;
	readonly resolve: (settings: Settings, version: number) => Snapshot;
	/** A new configuration is in force. `notices` are for the log. */
	readonly onReload: (snapshot: Snapshot, notices: readonly string[]) => void;
	/** A new configuration was refused; the old one stays in force. */
	readonly onProblems: (problems: readonly ConfigProblem[]) => void;
}

export type ReloadOutcome = "reloaded" | "refused" | "unchanged";

/** The running configuration, exchanged as a whole. */
export interface ReloadableConfigSource extends ConfigSource {
	/** Reads the file again, even if its text is the same, and swaps the snapshot if all of it is right. */
	reload(): Promise<ReloadOutcome>;
	/** From now on reloads when the text of the file changes. */
	watch(): void;
	close(): void;
}

export function createConfigSource(deps: ConfigSourceDeps): ReloadableConfigSource {
	let snapshot = deps.resolve(deps.initial.settings, 1);
	let seenText = deps.initial.text;
	let queue: Promise<unknown> = Promise.resolve();
	let watcher: FSWatcher | undefined;
	let timer: ReturnType<typeof setTimeout> | undefined;

	async function readAgain(
		file: string,
		{ onlyIfChanged }: { readonly onlyIfChanged: boolean },
	): Promise<ReloadOutcome> {
		const read = await readConfigFile(file);
		if (!read.ok) {
			deps.onProblems(read.problems);
			return "refused";
		}
		if (onlyIfChanged && read.text === seenText) {
			return "unchanged";
		}
		seenText = read.text;
		const loaded = deps.load(read.text);
		if (!loaded.ok) {
			deps.onProblems(loaded.problems);
			return "refused";
		}
		snapshot = deps.resolve(loaded.settings, snapshot.version + 1);
		deps.onReload(snapshot, [...restartNotices(deps.initial.settings, loaded.settings), ...loaded.settings.notices]);
		return "reloaded";
	}

	/** One at a time and in order, so that the last text on disk is the one in force. */
	function enqueue(options: { readonly onlyIfChanged: boolean }): Promise<ReloadOutcome> {
		const { file } = deps;
		if (file === undefined) {
			return Promise.resolve("unchanged");
		}
		const run = queue.then(() => readAgain(file, options));
		// A failure belongs to whoever asked for that reload; the next one starts afresh.
		queue = run.catch(() => undefined);
		return run;
	}

	function schedule(): void {
		timer ??= setTimeout(() => {
			timer = undefined;
			void enqueue({ onlyIfChanged: true });
		}, SETTLE_MS).unref();
	}

	return {
		current: () => snapshot,
		reload: () => enqueue({ onlyIfChanged: false }),
		watch() {
			const { file } = deps;
			if (file === undefined || watcher !== undefined) {
				return;
			}
			watcher = watchFile(file, schedule, deps.onProblems);
			// It may have changed between the first reading and now.
			schedule();
		},
		close() {
			clearTimeout(timer);
			watcher?.close();
			watcher = undefined;
		},
	};
}

/** Watches the directory: a file that is replaced by renaming (as most editors do) takes a watch of its own with it. */
function watchFile(
	file: string,
	onChange: () => void,
	onProblems: (problems: readonly ConfigProblem[]) => void,
): FSWatcher {
	const name = basename(file);
	const watcher = watchDirectory(dirname(file), { persistent: false }, (_event, changed) => {
		if (changed === null || changed === name || changed === VOLUME_LINK) {
			onChange();
		}
	});
	watcher.on("error", () => onProblems(failed(file, "cannot be watched any longer; reload with SIGHUP").problems));
	return watcher;
}

/** What differs from the values the process runs with and is only read at its start. */
function restartNotices(running: Settings, wanted: Settings): readonly string[] {
	const settings = {
		"server.host": [running.server.host, wanted.server.host],
		"server.port": [running.server.port, wanted.server.port],
		database: [running.database, wanted.database],
		redis: [running.redisUrl, wanted.redisUrl],
	};
	return Object.entries(settings)
		.filter(([, [before, after]]) => !Bun.deepEquals(before, after))
		.map(([name]) => `${name} has changed: this takes a restart to come into force`);
}

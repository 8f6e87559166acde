import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatProblem } from "../../../src/config/problem.ts";
import { readConfigFile } from "../../../src/config/read-file.ts";
import { resolveSnapshot } from "../../../src/config/resolve.ts";
import { createConfigSource, type ReloadableConfigSource } from "../../../src/config/source.ts";
import { until } from "../../support/wait.ts";
import { load, MASTER_KEY, MODEL_LIST, NO_CATALOGUE, settingsOf } from "./config-fixtures.ts";

const ONE = MODEL_LIST;
const TWO = `${MODEL_LIST}  - { model_alias: b, deployments: [{ provider: mock, model: slow }] }\n`;
const BAD = `servr: {}\n${TWO}`;

let directory: string;
let file: string;
let source: ReloadableConfigSource | undefined;
let events: string[];

beforeEach(async () => {
	directory = await mkdtemp(join(tmpdir(), "gateway-config-"));
	file = join(directory, "config.yaml");
	events = [];
});

afterEach(async () => {
	source?.close();
	await rm(directory, { recursive: true });
});

async function open(text: string): Promise<ReloadableConfigSource> {
	await writeFile(file, text);
	source = sourceFor(text, events);
	return source;
}

function sourceFor(text: string, told: string[]): ReloadableConfigSource {
	return createConfigSource({
		file,
		initial: { text, settings: settingsOf(text) },
		load: (changed) => load(changed),
		resolve: (settings, version) =>
			resolveSnapshot(settings, { version, masterKey: MASTER_KEY, catalogue: NO_CATALOGUE, nowMs: 0 }),
		onReload: (snapshot, notices) => told.push(`reloaded ${snapshot.version}`, ...notices),
		onProblems: (problems) => told.push(...problems.map(formatProblem)),
	});
}

const aliases = () => [...(source?.current().aliases.keys() ?? [])];

describe("reload", () => {
	test("swaps the whole snapshot and leaves the old one to those who hold it", async () => {
		const { current, reload } = await open(ONE);
		const before = current();
		await writeFile(file, TWO);
		expect(await reload()).toBe("reloaded");
		expect(before.version).toBe(1);
		expect([...before.aliases.keys()]).toEqual(["a"]);
		expect(current().version).toBe(2);
		expect(aliases()).toEqual(["a", "b"]);
		expect(events).toEqual(["reloaded 2"]);
	});

	test("keeps the old snapshot when the file is wrong, and says why", async () => {
		const { current, reload } = await open(ONE);
		const before = current();
		await writeFile(file, BAD);
		expect(await reload()).toBe("refused");
		expect(current()).toBe(before);
		expect(events).toEqual(['config.yaml:1:1 servr: unknown key "servr"; did you mean "server"?']);
		await writeFile(file, TWO);
		expect(await reload()).toBe("reloaded");
		expect(current().version).toBe(2);
	});

	test("keeps the old snapshot when the file is gone, a directory, or no text", async () => {
		const { current, reload } = await open(ONE);
		const before = current();
		await unlink(file);
		expect(await reload()).toBe("refused");
		await writeFile(file, new Uint8Array([0xff, 0xfe, 0x00]));
		expect(await reload()).toBe("refused");
		expect(current()).toBe(before);
		expect(events).toEqual([`${file}:1:1: does not exist`, `${file}:1:1: is not UTF-8 text`]);
		expect(await readConfigFile(directory)).toMatchObject({ ok: false, problems: [{ message: "is a directory" }] });
	});

	test("names what takes a restart, measured against the running process", async () => {
		const { reload } = await open(ONE);
		const moved = `server: { host: 0.0.0.0, port: 9 }\ndatabase: { url: "sqlite:x.db" }\nredis: { url: redis://r }\n${ONE}`;
		await writeFile(file, moved);
		await reload();
		const restart = (name: string) => `${name} has changed: this takes a restart to come into force`;
		expect(events).toEqual([
			"reloaded 2",
			restart("server.host"),
			restart("server.port"),
			restart("database"),
			restart("redis"),
		]);
		events.length = 0;
		await writeFile(file, ONE);
		await reload();
		expect(events).toEqual(["reloaded 3"]);
	});

	test("many at once run one after the other and end with the last text", async () => {
		const { reload, current } = await open(ONE);
		await writeFile(file, TWO);
		expect(await Promise.all([reload(), reload(), reload()])).toEqual(["reloaded", "reloaded", "reloaded"]);
		expect(current().version).toBe(4);
	});

	test("without a file there is nothing to read again", async () => {
		const built = createConfigSource({
			file: undefined,
			initial: { text: "", settings: settingsOf(ONE) },
			load,
			resolve: (settings, version) =>
				resolveSnapshot(settings, { version, masterKey: MASTER_KEY, catalogue: NO_CATALOGUE, nowMs: 0 }),
			onReload: () => events.push("reloaded"),
			onProblems: () => events.push("problems"),
		});
		built.watch();
		expect(await built.reload()).toBe("unchanged");
		expect(built.current().version).toBe(1);
		built.close();
		expect(events).toEqual([]);
	});
});

describe("watch", () => {
	test("follows a file that is written in place, then one that is renamed over it, and again", async () => {
		const watched = await open(ONE);
		watched.watch();
		await writeFile(file, TWO);
		await until("the written file", () => aliases().length === 2);
		await writeFile(`${file}.swp`, ONE);
		await rename(`${file}.swp`, file);
		await until("the renamed file", () => aliases().length === 1);
		await writeFile(`${file}~`, TWO);
		await rename(`${file}~`, file);
		await until("the second renamed file", () => aliases().length === 2);
	});

	test("follows a volume that swaps a link", async () => {
		for (const [name, text] of [
			["v1", ONE],
			["v2", TWO],
		] as const) {
			await writeFile(join(directory, name), text);
		}
		const watched = await open(ONE);
		await unlink(file);
		await symlink("v1", join(directory, "..data"));
		await symlink("..data", file);
		watched.watch();
		await symlink("v2", join(directory, "..next"));
		await rename(join(directory, "..next"), join(directory, "..data"));
		await until("the swapped volume", () => aliases().length === 2);
		await symlink("v1", join(directory, "..next"));
		await rename(join(directory, "..next"), join(directory, "..data"));
		await until("the volume swapped back", () => aliases().length === 1);
	});

	test("a bad file is told and the next good one taken; the same text again is no change", async () => {
		const watched = await open(ONE);
		watched.watch();
		await writeFile(file, BAD);
		await until("the refusal", () => events.length === 1);
		expect(aliases()).toEqual(["a"]);
		await writeFile(file, BAD);
		await writeFile(file, TWO);
		await until("the next file", () => aliases().length === 2);
		expect(events.filter((event) => event.startsWith("reloaded"))).toEqual(["reloaded 2"]);
	});

	test("finds a change made between the first reading and the watch", async () => {
		const watched = await open(ONE);
		await writeFile(file, TWO);
		watched.watch();
		await until("the earlier change", () => aliases().length === 2);
	});

	test("the same text is no change", async () => {
		const watched = await open(ONE);
		// A second source, which believes in another text, shows when the first has looked as well.
		const control = sourceFor(TWO, []);
		watched.watch();
		control.watch();
		await writeFile(file, ONE);
		await until("the control's reload", () => control.current().version === 2);
		control.close();
		expect(await watched.reload()).toBe("reloaded");
		expect(events).toEqual(["reloaded 2"]);
	});

	test("ends with close", async () => {
		const watched = await open(ONE);
		watched.watch();
		watched.close();
		await writeFile(file, TWO);
		expect(await watched.reload()).toBe("reloaded");
		expect(events).toEqual(["reloaded 2"]);
	});
});

/**
 * G14, the disk. Goal: a disk that is full costs no money and needs nobody's hand.
 *
 * Measure, on a real file system that is filled to its last byte under load, and emptied again (short form: once, long: ten
 * times): new requests are refused with 503 `ledger_unavailable` and readiness says 503; answers that had begun go on to
 * their end and their price; when there is room again the gateway recovers by itself, and every call that the provider got
 * has its row, at its price. A start on a full disk ends with 1, says so, and changes nothing.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configText } from "../support/gateway-config.ts";
import { runCommand, startGatewayProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";
import { audit, type Sighting } from "./audit.ts";
import { readSqliteBooks } from "./books.ts";
import type { Mood } from "./call-plan.ts";
import { exchange, outcomeOf } from "./exchange.ts";
import { startLoad } from "./load.ts";
import { createRig, mintKey, RATES, type Rig, stopCleanly } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";
import { mountSmallDisk, type SmallDisk } from "./small-disk.ts";
import { bytesOf } from "./used-directory.ts";

const FILLS = scaled(1, 10);
const CLIENTS = 8;
const STREAMS = 6;
const DISK_MEGABYTES = 32;
const MOOD: Mood = { fates: { answers: 100 }, delayMs: [0, 20], streamMs: [0, 60], tokens: [1, 100] };
const SLOW: Mood = { ...MOOD, streamMs: [900, 1_200] };

test(
	`G14: a disk that fills up under load ${FILLS} times`,
	async () => {
		await using rig = await createRig("G14 disk", MOOD);
		await using disk = await mountSmallDisk(join(rig.directory, "disk"), DISK_MEGABYTES);
		if (disk === undefined) {
			console.log("G14 disk: SKIPPED, this process may not mount a tmpfs");
			return;
		}
		const dataDirectory = join(disk.directory, "data");
		const sightings: Sighting[] = [];
		const figures = await runOut(rig, disk, dataDirectory, sightings);
		const books = readSqliteBooks(dataDirectory);
		const { findings, counts } = audit({
			books,
			calls: rig.upstream.ledger(),
			sightings,
			rates: RATES,
			budgets: { keys: new Map(), teams: new Map() },
		});
		expect(Object.fromEntries(Object.entries(findings).filter(([, list]) => list.length > 0))).toEqual({});
		expect({ integrity: books.integrity, crashed: counts.crashed, unsent: counts.unsent }).toEqual({
			integrity: "ok",
			crashed: 0,
			unsent: 0,
		});
		await expectNoStart(rig, disk, dataDirectory);
		report("G14 disk", rig.seed, { fills: FILLS, ...figures, ...counts });
	},
	deadlineMs(30_000, 3),
);

async function runOut(rig: Rig, disk: SmallDisk, dataDirectory: string, sightings: Sighting[]) {
	await using gateway = await startGatewayProcess({ config: rig.config, dataDirectory });
	const key = await mintKey(gateway);
	let refused = 0;
	let streamsFinished = 0;
	for (let fill = 0; fill < FILLS; fill += 1) {
		rig.upstream.setMood(SLOW);
		const streams = Array.from({ length: STREAMS }, async (_, index) => {
			const content = `stream ${fill} ${index}`;
			const body = { model: "chat", stream: true, messages: [{ role: "user", content }] };
			const outcome = outcomeOf(await exchange({ url: gateway.url, key: key.secret, body }), true);
			sightings.push({ ...outcome, requestId: outcome.requestId ?? "", stream: true });
			return outcome.kind;
		});
		const before = rig.upstream.calls();
		await until("the streams to begin", () => rig.upstream.calls() >= before + STREAMS);
		await Bun.sleep(50);
		rig.upstream.setMood(MOOD);
		disk.fill();
		const load = startLoad({
			url: () => gateway.url,
			keys: () => [key],
			random: rig.random.fork(`load ${fill}`),
			clients: CLIENTS,
			leaving: 0,
		});
		await until("a refusal", () => load.sightings.some(({ refusal }) => refusal === "ledger_unavailable"), 15_000);
		expect((await gateway.get("/health/ready")).status).toBe(503);
		expect(new Set(await Promise.all(streams))).toEqual(new Set(["whole"]));
		streamsFinished += STREAMS;
		disk.empty();
		await until("readiness", async () => (await gateway.get("/health/ready")).status === 200, 10_000);
		const recoveredAt = load.sightings.length;
		await until(
			"answers again",
			() => load.sightings.slice(recoveredAt).filter(({ kind }) => kind === "whole").length > 20,
		);
		await load.stop();
		expect(new Set(load.sightings.map(({ status }) => status))).toEqual(new Set([200, 503]));
		refused += load.sightings.filter(({ status }) => status === 503).length;
		sightings.push(...load.sightings);
	}
	const events = gateway.logs().map(({ event }) => event);
	expect(events.filter((event) => event === "store_writes_failing").length).toBeGreaterThanOrEqual(FILLS);
	expect(events.filter((event) => event === "store_settle_lost")).toEqual([]);
	await stopCleanly(gateway);
	return { refused, streams_finished: streamsFinished };
}

/** Not a byte is free, for the database's log or anything else. */
async function expectNoStart(rig: Rig, disk: SmallDisk, dataDirectory: string): Promise<void> {
	disk.fill();
	const before = bytesOf(dataDirectory);
	const configPath = join(rig.directory, "config.json");
	writeFileSync(configPath, configText(rig.config));
	const { code, stdout, stderr } = await runCommand([
		...["serve", "--config", configPath, "--data", dataDirectory],
		...["--port", "0"],
	]);
	expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
	expect(stderr).toMatch(/^gateway-llm: The disk of .* refuses to be read or written\. Free space/);
	expect(bytesOf(dataDirectory)).toEqual(before);
	disk.empty();
}

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { openOutbox } from "../../../src/store/outbox.ts";
import type { Outbox, OutboxRow } from "../../../src/store/outbox-types.ts";
import { StoreRefused } from "../../../src/store/store-refused.ts";
import { closing, opening, temporaryDirectory } from "./ledger-samples.ts";

let place: ReturnType<typeof temporaryDirectory>;
let directory: string;
let path: string;
let opened: Outbox[];
beforeEach(() => {
	place = temporaryDirectory();
	directory = join(place.directory, "outbox");
	path = join(directory, "outbox.db");
	opened = [];
});
afterEach(() => {
	for (const outbox of opened) {
		outbox.close();
	}
	place[Symbol.dispose]();
});

function open(bounds: { rowsMax?: number; bytesMax?: number } = {}): Outbox {
	const outbox = openOutbox({ directory, ...bounds });
	opened.push(outbox);
	return outbox;
}

function reopen(outbox: Outbox): Outbox {
	outbox.close();
	opened.splice(opened.indexOf(outbox), 1);
	return open();
}

function settle(facts = {}): OutboxRow {
	return {
		kind: "settle",
		write: { opening: opening(), openedAtMs: 1, closing: closing(facts), settledAtMs: 2 },
	};
}

function dispatch(): OutboxRow {
	return { kind: "opening", write: { opening: opening(), openedAtMs: 1 } };
}

function refusal(): StoreRefused {
	try {
		open();
	} catch (error) {
		expect(error).toBeInstanceOf(StoreRefused);
		return error as StoreRefused;
	}
	throw new Error("It was opened.");
}

const idsOf = (rows: ReturnType<Outbox["oldest"]>) => rows.map(({ row }) => row.write.opening.requestId);
const bigRow = () => settle({ errorClass: "x".repeat(100_000) });

describe("an outbox", () => {
	test("gives rows back in their order, across restarts, until they are dropped", () => {
		const rows = [dispatch(), settle(), dispatch(), settle()];
		let outbox = open();
		outbox.append(rows.slice(0, 3));
		outbox.append(rows.slice(3));
		outbox = reopen(outbox);
		expect(outbox.oldest(99).map(({ row }) => row)).toEqual(rows);
		expect(outbox.count()).toBe(4);
		const [, second] = outbox.oldest(2);
		expect(outbox.oldest(2, second?.place).map(({ row }) => row)).toEqual(rows.slice(2));
		outbox.dropThrough(second?.place ?? 0);
		expect(outbox.count()).toBe(2);
		outbox = reopen(outbox);
		expect(outbox.count()).toBe(2);
		expect(outbox.oldest(1).map(({ row }) => row)).toEqual(rows.slice(2, 3));
	});

	test("a place is never used again, in an emptied file neither", () => {
		let outbox = open();
		outbox.append([settle()]);
		const first = outbox.oldest(1)[0]?.place ?? 0;
		outbox.dropThrough(first);
		outbox = reopen(outbox);
		outbox.append([settle()]);
		expect(outbox.oldest(1)[0]?.place).toBeGreaterThan(first);
	});

	test("keeps every fact of a row as it is, whatever fields it has; budgets are left out, what is undefined is absent", () => {
		const outbox = open();
		const facts = fc.record({
			text: fc.string({ unit: "binary" }),
			cost: fc.maxSafeNat(),
			fraction: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
			team: fc.option(fc.string(), { nil: undefined }),
			more: fc.dictionary(
				fc.string().filter((name) => name !== "__proto__"),
				fc.oneof(fc.string(), fc.boolean(), fc.constant(null)),
			),
		});
		fc.assert(
			fc.property(facts, ({ text, cost, fraction, team, more }) => {
				const budgets = [{ subject: "key:vk_A", limitNano: 5 }];
				const write = {
					opening: opening({ team, alias: text, budgets }),
					openedAtMs: 1,
					closing: closing({ costNano: cost, objectId: team, durationMs: fraction }),
					settledAtMs: 2,
					instance: "ins_1",
					more: { ...more },
				};
				outbox.append([{ kind: "settle", write }]);
				const [found] = outbox.oldest(1);
				outbox.dropThrough(found?.place ?? 0);
				expect(found?.row).toEqual({ kind: "settle", write: { ...write, opening: { ...write.opening, budgets: [] } } });
				expect("team" in (found?.row.write.opening ?? {})).toBe(team !== undefined);
			}),
		);
	});

	test("knows which instance used it before, and whose it is now", () => {
		let outbox = open();
		expect(outbox.previousInstance).toBeUndefined();
		outbox.takeOver("ins_1");
		outbox.takeOver("ins_2");
		expect(outbox.previousInstance).toBeUndefined();
		outbox = reopen(outbox);
		expect(outbox.previousInstance).toBe("ins_2");
	});

	test("is readable by its user alone", () => {
		open().append([settle()]);
		expect(statSync(directory).mode & 0o777).toBe(0o700);
		for (const file of ["outbox.db", "outbox.db-wal", "outbox.db.lock"]) {
			expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
		}
	});

	test("a clean end leaves one whole file", () => {
		const outbox = open();
		outbox.append([settle()]);
		outbox.close();
		opened = [];
		expect(existsSync(`${path}-wal`)).toBe(false);
		using client = new Database(path, { readonly: true });
		expect(client.query("select count(*) as count from outbox").get()).toEqual({ count: 1 });
	});

	test("has no room at its bounds, takes rows beyond them all the same, and has room again when they are gone", () => {
		for (const bounds of [{ rowsMax: 2 }, { bytesMax: 300_000 }]) {
			const outbox = open(bounds);
			expect(outbox.hasRoom()).toBe(true);
			outbox.append([bigRow()]);
			expect(outbox.hasRoom()).toBe(true);
			outbox.append([bigRow(), bigRow()]);
			expect(outbox.hasRoom()).toBe(false);
			outbox.append([bigRow()]);
			expect(outbox.count()).toBe(4);
			outbox.dropThrough(outbox.oldest(9)[2]?.place ?? 0);
			expect(outbox.hasRoom()).toBe(true);
			outbox.close();
			opened = [];
			rmSync(path);
		}
	});

	test("its file becomes small again when it is empty", () => {
		const outbox = open();
		for (let index = 0; index < 20; index += 1) {
			outbox.append(Array.from({ length: 10 }, bigRow));
		}
		const [last] = outbox.oldest(999).slice(-1);
		expect(statSync(path).size + statSync(`${path}-wal`).size).toBeGreaterThan(20_000_000);
		outbox.dropThrough(last?.place ?? 0);
		expect(statSync(path).size + statSync(`${path}-wal`).size).toBeLessThan(200_000);
		outbox.append([settle()]);
		expect(outbox.count()).toBe(1);
	});

	test("writes all rows of a call or none, and says why not", () => {
		const outbox = open();
		outbox.append([settle()]);
		const before = idsOf(outbox.oldest(9));
		using other = new Database(path);
		other.run("BEGIN IMMEDIATE");
		expect(() => outbox.append([settle(), settle()])).toThrow("locked");
		expect(() => outbox.dropThrough(99)).toThrow("locked");
		expect([outbox.count(), idsOf(outbox.oldest(9))]).toEqual([1, before]);
		other.run("ROLLBACK");
		other.run("create trigger refuse after insert on outbox when new.place > 2 begin select raise(abort, 'no'); end");
		expect(() => outbox.append([settle(), settle()])).toThrow("no");
		expect([outbox.count(), idsOf(outbox.oldest(9))]).toEqual([1, before]);
	});
});

describe("an outbox that may not be used is refused, and left as it is", () => {
	/** Refused twice, with the same bytes before and after. */
	function expectRefused(hint: string): void {
		const before = readFileSync(path);
		expect(refusal().message).toContain(hint);
		expect(refusal().message).toContain(path);
		expect(readFileSync(path).equals(before)).toBe(true);
	}

	/** A file with rows in it, cleanly closed. */
	function leave(rows: number): void {
		const outbox = open();
		outbox.append(Array.from({ length: rows }, () => settle()));
		outbox.close();
		opened = [];
	}

	test("while another process has it open", () => {
		open();
		expect(refusal().message).toContain("Another gateway is using");
	});

	test("when it is no database", () => {
		mkdirSync(directory);
		writeFileSync(path, "Nothing that SQLite has written. ".repeat(200));
		expectRefused("is damaged");
	});

	test("when its end is missing", () => {
		leave(500);
		truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096);
		expectRefused("is damaged");
	});

	test("when a page is overwritten", () => {
		leave(500);
		const bytes = readFileSync(path);
		bytes.fill(0xff, 5 * 4096, 6 * 4096);
		writeFileSync(path, bytes);
		expectRefused("move it");
	});

	test("when a row is no JSON any more", () => {
		leave(3);
		const bytes = readFileSync(path);
		bytes.write("!", bytes.lastIndexOf('{"kind"'));
		writeFileSync(path, bytes);
		expectRefused("is no JSON");
	});

	test("when it is another program's database", () => {
		mkdirSync(directory);
		using client = new Database(path);
		client.run("create table notes (text text)");
		client.close();
		expectRefused("another program");
	});

	test("when a newer version has written it", () => {
		leave(1);
		using client = new Database(path);
		client.run("PRAGMA user_version = 2");
		client.close();
		expectRefused("newer gateway-llm");
	});

	test("when the directory is a file", () => {
		writeFileSync(directory, "");
		expect(refusal().message).toContain("cannot be written");
	});

	// For the superuser nothing is unwritable.
	test.skipIf(process.getuid?.() === 0)("when it may not be written", () => {
		leave(1);
		chmodSync(path, 0o400);
		expectRefused("cannot be written");
	});
});

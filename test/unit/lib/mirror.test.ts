import { describe, expect, test } from "bun:test";
import { createMirror } from "../../../src/lib/mirror.ts";
import { settled } from "../../support/fake-timers.ts";
import { gate } from "../../support/wait.ts";

/** A table that several processes change, and a mirror of it whose readings a test can hold. */
function setup() {
	const table = new Map<string, number>();
	let isCut = false;
	let readings = 0;
	let answer: Promise<void> = Promise.resolve();
	const mirror = createMirror(async () => {
		readings += 1;
		if (isCut) {
			throw new Error("connection lost");
		}
		const rows = new Map(table);
		await answer;
		return rows;
	});
	return {
		table,
		mirror,
		readings: () => readings,
		cut(cut: boolean) {
			isCut = cut;
		},
		/** What is read from now on comes back when the gate is opened. */
		holdAnswers() {
			const held = gate();
			answer = held.opened;
			return held.open;
		},
		set: (id: string, value: number | undefined, write: () => Promise<void> = () => Promise.resolve()) =>
			mirror.set(id, value, async () => {
				await write();
				if (value === undefined) {
					table.delete(id);
				} else {
					table.set(id, value);
				}
			}),
		rows: () => Object.fromEntries(mirror.current()),
	};
}

describe("a mirror of a table", () => {
	test("holds what was read, without rows that are gone", async () => {
		const { mirror, table, rows } = setup();
		table.set("a", 1).set("b", 2);
		await mirror.load();
		table.delete("a");
		table.set("b", 3);
		expect(rows()).toEqual({ a: 1, b: 2 });
		await mirror.reload(["b"]);
		expect(rows()).toEqual({ b: 3 });
	});

	test("reads nothing where nothing is wanted", async () => {
		const { mirror, readings } = setup();
		await mirror.reload([]);
		expect(readings()).toBe(0);
	});

	test.each([
		["changed", 2, { a: 2, other: 9 }],
		["deleted", undefined, { other: 9 }],
	])("does not lose a row %s here to a reading that began before", async (_, value, wanted) => {
		const { mirror, table, set, rows, holdAnswers } = setup();
		table.set("a", 1);
		await mirror.load();
		table.set("other", 9);
		const open = holdAnswers();
		const reload = mirror.reload(["other"]);
		await settled();
		await set("a", value);
		open();
		await reload;
		expect(rows()).toEqual(wanted);
		await settled();
		expect(rows()).toEqual(wanted);
	});

	test("ends as the table is, where another process had the last word during a reading", async () => {
		const { mirror, table, set, rows, holdAnswers } = setup();
		const open = holdAnswers();
		const reload = mirror.reload(["a"]);
		await settled();
		await set("a", 2);
		table.set("a", 3);
		open();
		await reload;
		await settled();
		expect(rows()).toEqual({ a: 3 });
	});

	test("takes what was read during a slow change for newer than its answer", async () => {
		const { mirror, table, set, rows } = setup();
		const answered = gate();
		const change = mirror.set("a", 1, async () => {
			table.set("a", 1);
			await answered.opened;
		});
		await settled();
		table.set("a", 2);
		await mirror.reload(["a"]);
		expect(rows()).toEqual({ a: 2 });
		answered.open();
		await change;
		expect(rows()).toEqual({ a: 2 });
		await set("a", 3);
		expect(rows()).toEqual({ a: 3 });
	});

	test("has a slow change in force when it resolves, though nothing can be read again; that is done later", async () => {
		const { mirror, table, rows, cut } = setup();
		const answered = gate();
		const change = mirror.set("a", 1, () => answered.opened);
		await settled();
		await mirror.reload(["b"]);
		cut(true);
		answered.open();
		await change;
		expect(rows()).toEqual({ a: 1 });
		table.set("a", 4);
		cut(false);
		await mirror.reload([]);
		expect(rows()).toEqual({ a: 4 });
	});

	test("changes nothing where the write fails, and goes on", async () => {
		const { set, rows } = setup();
		await set("a", 1);
		await expect(set("a", 2, () => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
		expect(rows()).toEqual({ a: 1 });
		await set("a", 3);
		expect(rows()).toEqual({ a: 3 });
	});

	test("reads later what it could not read", async () => {
		const { mirror, table, rows, cut } = setup();
		table.set("a", 1);
		cut(true);
		await expect(mirror.reload(["a"])).rejects.toThrow("connection lost");
		cut(false);
		await mirror.reload([]);
		expect(rows()).toEqual({ a: 1 });
	});

	test("is read again for others even while something is changed here all the time", async () => {
		const { mirror, table, set, rows, holdAnswers } = setup();
		for (let turn = 0; turn < 20; turn += 1) {
			table.set("other", turn);
			const open = holdAnswers();
			const reload = mirror.reload(["other"]);
			await settled();
			await set("a", turn);
			open();
			await reload;
			expect(rows()).toEqual({ a: turn, other: turn });
		}
	});
});

import { describe, expect, test } from "bun:test";
import { createRotation } from "../../../src/routing/rotation.ts";
import { createFakeClock } from "./fakes.ts";

describe("rotation", () => {
	test("a change that cannot be stored is not in force, and does not stand in the way of the next", async () => {
		let broken = true;
		const rotation = createRotation({
			clock: createFakeClock(),
			states: {
				disabled: async () => new Set(),
				async setEnabled() {
					if (broken) {
						throw new Error("disk full");
					}
				},
			},
		});
		await expect(rotation.setEnabled("dep_a", false)).rejects.toThrow("disk full");
		expect(rotation.isEnabled("dep_a")).toBe(true);
		broken = false;
		await rotation.setEnabled("dep_a", false);
		expect(rotation.isEnabled("dep_a")).toBe(false);
	});

	test("of two opposite changes the later wins, in memory as on disk, however slow the first is", async () => {
		const stored: boolean[] = [];
		const slowFirst = Promise.withResolvers<void>();
		const rotation = createRotation({
			clock: createFakeClock(),
			states: {
				disabled: async () => new Set(),
				async setEnabled(_, enabled) {
					if (!enabled) {
						await slowFirst.promise;
					}
					stored.push(enabled);
				},
			},
		});
		const disabling = rotation.setEnabled("dep_a", false);
		const enabling = rotation.setEnabled("dep_a", true);
		slowFirst.resolve();
		await Promise.all([disabling, enabling]);
		expect(stored).toEqual([false, true]);
		expect(rotation.isEnabled("dep_a")).toBe(true);
	});
});

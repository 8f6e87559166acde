import { expect, test } from "bun:test";
import { createSilences } from "../../../src/store/silences.ts";

function createWatch() {
	let nowMs = 1_000;
	const silences = createSilences({ clock: { monotonic: () => nowMs }, silentMs: 60_000, gapMs: 10_000 });
	return {
		...silences,
		/** Listens each second. `signs`: of whom something new is heard, by the seconds that have passed. */
		listen(seconds: number, signs: Readonly<Record<string, (second: number) => string>>): void {
			for (let second = 0; second < seconds; second += 1) {
				nowMs += 1_000;
				silences.heard(Object.entries(signs).map(([id, seenAt]) => ({ id, seenAt: seenAt(second) })));
			}
		},
		pass(milliseconds: number): void {
			nowMs += milliseconds;
		},
	};
}

const dead = () => "0";
const alive = (second: number) => String(second);

test("who gives no new sign for the whole time is silent, nobody else is", () => {
	const watch = createWatch();
	watch.listen(60, { dead, alive });
	expect(watch.silent()).toEqual([]);
	expect(watch.isWatchful()).toBe(false);
	watch.listen(1, { dead, alive: () => "60" });
	expect(watch.silent()).toEqual([{ id: "dead", seenAt: "0" }]);
	expect(watch.isWatchful()).toBe(true);
});

test("a sign that goes back is a sign of life too", () => {
	const watch = createWatch();
	watch.listen(59, { one: () => "900" });
	watch.listen(10, { one: () => "100" });
	expect(watch.silent()).toEqual([]);
});

test("who was away itself begins to listen anew", () => {
	const watch = createWatch();
	watch.listen(70, { dead });
	watch.pass(10_001);
	expect(watch.silent()).toEqual([]);
	expect(watch.isWatchful()).toBe(false);
	watch.listen(60, { dead });
	expect(watch.silent()).toEqual([]);
	watch.listen(1, { dead });
	expect(watch.silent()).toHaveLength(1);
});

test("who is not there any more is forgotten, and begins anew when it comes back", () => {
	const watch = createWatch();
	watch.listen(50, { dead, alive });
	watch.listen(1, { alive });
	watch.listen(20, { dead, alive });
	expect(watch.silent()).toEqual([]);
});

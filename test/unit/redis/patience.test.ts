import { expect, test } from "bun:test";
import { systemClock } from "../../../src/lib/clock.ts";
import { DeadlinePassed, withinDeadline } from "../../../src/redis/deadline.ts";
import { createPatience } from "../../../src/redis/patience.ts";
import { createRandom } from "../../reliability/random.ts";
import { gate } from "../../support/wait.ts";

const WAIT_MS = 50;

/** Nothing else happens in this process meanwhile. */
function stall(milliseconds: number): void {
	const endMs = performance.now() + milliseconds;
	while (performance.now() < endMs) {
		// Busy.
	}
}

/** A process of its own that answers what it is sent at once, whatever this one is doing. */
async function startEcho() {
	const script = `
		const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data(socket, bytes) { socket.write(bytes); } } });
		console.log(listener.port);`;
	const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "ignore", stdin: "ignore" });
	const { value } = await child.stdout.getReader().read();
	const port = Number(new TextDecoder().decode(value));
	let hear: () => void = () => {};
	const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data: () => hear() } });
	return {
		ask(): Promise<void> {
			const answered = gate();
			hear = answered.open;
			socket.write("?");
			return answered.opened;
		},
		[Symbol.asyncDispose]: async () => {
			socket.end();
			child.kill();
			await child.exited;
		},
	};
}

test("an answer that came while this process was busy is read, wherever in the wait that was", async () => {
	await using echo = await startEcho();
	const random = createRandom(7);
	const late: unknown[] = [];
	for (let round = 0; round < 20; round += 1) {
		const beforeMs = random.int(0, 20);
		const stallMs = random.int(WAIT_MS, 2 * WAIT_MS);
		const answered = Bun.sleep(beforeMs).then(async () => {
			// From where sockets are read: what comes during the stall is read in another turn.
			await echo.ask();
			const answer = echo.ask();
			stall(stallMs);
			return answer;
		});
		await withinDeadline(answered, WAIT_MS, systemClock).catch(() => late.push({ beforeMs, stallMs }));
	}
	expect(late).toEqual([]);
});

test("who waits for nothing is told so, not before the time, also when this process is never quiet", async () => {
	const beganMs = performance.now();
	const never = new Promise<void>(() => {});
	await expect(withinDeadline(never, WAIT_MS, systemClock)).rejects.toBeInstanceOf(DeadlinePassed);
	expect(performance.now() - beganMs).toBeGreaterThanOrEqual(WAIT_MS - 1);
	const busy = setInterval(() => stall(12), 1);
	await expect(withinDeadline(never, WAIT_MS, systemClock)).rejects.toBeInstanceOf(DeadlinePassed);
	clearInterval(busy);
});

test("one timer for all: each rings once, in the order of its time, and one that has ended does not", async () => {
	const patience = createPatience(systemClock);
	const rung: number[] = [];
	const all = gate();
	for (const waitMs of [30, 12, 21, 3]) {
		patience.wait(waitMs, () => {
			rung.push(waitMs);
			if (waitMs === 30) {
				all.open();
			}
		});
	}
	const end = patience.wait(8, () => rung.push(8));
	end();
	end();
	await all.opened;
	expect(rung).toEqual([3, 12, 21, 30]);
	const again = gate();
	patience.wait(2, again.open);
	await again.opened;
});

import { join } from "node:path";
import { gate, within } from "../support/wait.ts";

/** A way to a server that takes its time, in a process of its own: however busy this one is, it adds nothing. */
export interface SlowWay extends AsyncDisposable {
	readonly port: number;
	/** Resolves when it is so: from now on each answer comes so much later. */
	setDelayMs(delayMs: number): Promise<void>;
}

const PROXY = join(import.meta.dir, "../support/redis.ts");

export async function startSlowWay(targetPort: number): Promise<SlowWay> {
	const script = `
		const { startSlowProxy } = await import(${JSON.stringify(PROXY)});
		const proxy = startSlowProxy(${targetPort});
		process.on("message", (delayMs) => {
			proxy.setDelayMs(delayMs);
			process.send(proxy.port);
		});
		process.on("disconnect", () => process.exit(0));
		process.send(proxy.port);`;
	let heard = gate();
	let port = 0;
	const child = Bun.spawn([process.execPath, "-e", script], {
		stdin: "ignore",
		stdout: "ignore",
		stderr: "ignore",
		ipc(message) {
			port = Number(message);
			heard.open();
		},
	});
	await within("the slow way", heard.opened);
	return {
		port,
		async setDelayMs(delayMs) {
			heard = gate();
			child.send(delayMs);
			await within("the delay", heard.opened);
		},
		async [Symbol.asyncDispose]() {
			child.kill("SIGKILL");
			await child.exited;
		},
	};
}

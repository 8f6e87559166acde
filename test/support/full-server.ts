import { connect, type Socket } from "node:net";

/** An address whose kernel drops connection requests: a server that accepts nobody, with a full queue. */
export interface FullServer extends AsyncDisposable {
	readonly url: string;
}

const LISTENS = `
	const server = require("node:net").createServer();
	server.listen({ port: 0, host: "127.0.0.1" }, () => {
		process.stdout.write(String(server.address().port) + "\\n");
	});
`;
/** A connection to loopback that takes longer than this is not coming about. */
const SOON_MS = 150;
/** The runtime asks for a queue of 512, whatever `backlog` says; the kernel rounds up. */
const QUEUE_MAX = 2_000;

/** The server's process is stopped, so that it accepts nobody, and the queue of those who wait is filled. */
export async function startFullServer(): Promise<FullServer> {
	const child = Bun.spawn([process.execPath, "-e", LISTENS], { stdout: "pipe" });
	const reader = child.stdout.getReader();
	const port = Number(new TextDecoder().decode((await reader.read()).value).trim());
	child.kill("SIGSTOP");
	const waiting: Socket[] = [];
	while (waiting.length < QUEUE_MAX) {
		const socket = connect({ port, host: "127.0.0.1" });
		socket.on("error", () => undefined);
		waiting.push(socket);
		const isIn = await new Promise<boolean>((resolve) => {
			const timer = setTimeout(resolve, SOON_MS, false);
			socket.once("connect", () => {
				clearTimeout(timer);
				resolve(true);
			});
		});
		if (!isIn) {
			break;
		}
	}
	return {
		url: `http://127.0.0.1:${port}`,
		async [Symbol.asyncDispose]() {
			for (const socket of waiting) {
				socket.destroy();
			}
			child.kill("SIGKILL");
			await child.exited;
		},
	};
}

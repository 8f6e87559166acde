/** Other people's work on the same machine. */
export interface BusyProcesses extends AsyncDisposable {
	readonly count: number;
}

/** So many processes that do nothing but need a processor each, until they are disposed of or their time is up. */
export function startBusyProcesses(count: number, secondsMax: number): BusyProcesses {
	const script = `const end = performance.now() + ${secondsMax * 1_000}; while (performance.now() < end) {}`;
	const children = Array.from({ length: count }, () =>
		Bun.spawn([process.execPath, "-e", script], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }),
	);
	return {
		count,
		async [Symbol.asyncDispose]() {
			for (const child of children) {
				child.kill("SIGKILL");
			}
			await Promise.all(children.map((child) => child.exited));
		},
	};
}

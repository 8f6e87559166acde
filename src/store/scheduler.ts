/** When the writer runs. Injected, so that tests decide. */
export interface Scheduler {
	/** Runs the task as soon as the events at hand have been handled. */
	soon(task: () => void): void;
	/** Runs the task later, unless the process has nothing else to do and ends. */
	later(delayMs: number, task: () => void): void;
	/** Keeps the process alive meanwhile. */
	pause(delayMs: number): Promise<void>;
}

export const systemScheduler: Scheduler = {
	soon(task) {
		setImmediate(task);
	},
	later(delayMs, task) {
		setTimeout(task, delayMs).unref();
	},
	pause: (delayMs) => Bun.sleep(delayMs),
};

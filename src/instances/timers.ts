/** Injected, so that tests decide when they fire. Each returns how to stop it. */
export interface Timers {
	/** Again and again, unless the process has nothing else to do and ends. */
	every(milliseconds: number, task: () => void): () => void;
	/** Once, soon: somebody waits for it, so the process lives until then. */
	after(milliseconds: number, task: () => void): () => void;
}

export const systemTimers: Timers = {
	every(milliseconds, task) {
		const timer = setInterval(task, milliseconds).unref();
		return () => clearInterval(timer);
	},
	after(milliseconds, task) {
		const timer = setTimeout(task, milliseconds);
		return () => clearTimeout(timer);
	},
};

/** Resolves when the work has ended, well or not, or when its time is over. */
export function within(milliseconds: number, work: Promise<void>, timers: Timers): Promise<void> {
	return new Promise((resolve) => {
		const stop = timers.after(milliseconds, resolve);
		const ended = () => {
			stop();
			resolve();
		};
		work.then(ended, ended);
	});
}

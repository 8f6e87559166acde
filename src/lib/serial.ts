/** Runs one task after the other, in the order they were given. */
export function createSerial() {
	let last: Promise<unknown> = Promise.resolve();
	return <Result>(task: () => Promise<Result>): Promise<Result> => {
		const result = last.then(task);
		// The next one goes ahead whether this one worked or not.
		last = result.catch(() => {});
		return result;
	};
}

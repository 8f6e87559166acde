/** Longest any test waits for a condition unless it says otherwise. */
const DEADLINE_MS = 8_000;
const POLL_MS = 2;

type Falsy = false | undefined | null | 0 | "";

/** Resolves with the first truthy value of `condition`; fails after the deadline with `what`. */
export async function until<T>(
	what: string,
	condition: () => T | Falsy | Promise<T | Falsy>,
	deadlineMs: number = DEADLINE_MS,
): Promise<T> {
	const end = performance.now() + deadlineMs;
	for (;;) {
		const value = await condition();
		if (value) {
			return value;
		}
		if (performance.now() > end) {
			throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`);
		}
		await Bun.sleep(POLL_MS);
	}
}

/** The promise's own value, or a failure that names what was waited for. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs: number = DEADLINE_MS): Promise<T> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms in vain for: ${what}`)), deadlineMs);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

/** A promise and the function that resolves it: a door that a test opens when it is ready. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
	const { promise, resolve } = Promise.withResolvers<void>();
	return { opened: promise, open: resolve };
}

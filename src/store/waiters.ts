/** Those who wait until something holds. */
export interface Waiters {
	/** Resolves at once, or with the first `look` at which the condition holds. */
	until(condition: () => boolean): Promise<void>;
	/** Something has changed. */
	look(): void;
}

export function createWaiters(): Waiters {
	const waiting = new Map<() => boolean, () => void>();
	return {
		until: (condition) =>
			condition() ? Promise.resolve() : new Promise((resolve) => void waiting.set(condition, resolve)),
		look() {
			for (const [condition, resolve] of waiting) {
				if (condition()) {
					waiting.delete(condition);
					resolve();
				}
			}
		},
	};
}

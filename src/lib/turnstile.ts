/** So many at a time; whoever comes later waits in line. */
export interface Turnstile {
	/** Resolves with the way out (idempotent) once there is room. Rejects with the signal's reason if that comes first. */
	enter(signal: AbortSignal): Promise<() => void>;
	/** Inside now. */
	count(): number;
}

export function createTurnstile(placesMax: number): Turnstile {
	/** In order of arrival. */
	const waiting = new Set<() => void>();
	let inside = 0;

	function goIn(): () => void {
		let hasLeft = false;
		inside += 1;
		return () => {
			if (!hasLeft) {
				hasLeft = true;
				inside -= 1;
				const [next] = waiting;
				next?.();
			}
		};
	}

	return {
		count: () => inside,
		enter: (signal) =>
			new Promise((resolve, reject) => {
				const admit = () => {
					waiting.delete(admit);
					signal.removeEventListener("abort", giveUp);
					resolve(goIn());
				};
				const giveUp = () => {
					waiting.delete(admit);
					reject(signal.reason);
				};
				if (signal.aborted) {
					giveUp();
				} else if (inside < placesMax) {
					admit();
				} else {
					waiting.add(admit);
					signal.addEventListener("abort", giveUp, { once: true });
				}
			}),
	};
}

import { createUpkeep, type UpkeepDeps } from "./upkeep.ts";

/** How often what is over its time or too much is looked for. */
const EVERY_MS = 60_000;
/** After the start, when the first requests have been answered. */
const FIRST_MS = 1_000;
const PAUSE_MS = 10;

export interface UpkeepTimes {
	readonly firstMs?: number | undefined;
	readonly everyMs?: number | undefined;
}

/** Keeps the database bounded from now on. Returns how to stop it, before the store closes. */
export function startUpkeep(
	deps: Omit<Parameters<typeof createUpkeep>[0], "pause">,
	{ firstMs = FIRST_MS, everyMs = EVERY_MS }: UpkeepTimes = {},
): () => void {
	const upkeep = createUpkeep({ ...deps, pause });
	let isStopped = false;
	let timer = setTimeout(run, firstMs);
	timer.unref();

	function again(): void {
		if (!isStopped) {
			timer = setTimeout(run, everyMs);
			timer.unref();
		}
	}
	function run(): void {
		upkeep.round().then(again, (error: unknown) => {
			if (!isStopped) {
				// What is too old stays a little longer; it goes when the disk is well again.
				deps.logger.warn("storage_upkeep_failed", { error: String(error) });
			}
			again();
		});
	}
	return () => {
		isStopped = true;
		upkeep.stop();
		clearTimeout(timer);
	};
}

const pause: UpkeepDeps["pause"] = () =>
	new Promise((resolve) => {
		setTimeout(resolve, PAUSE_MS).unref();
	});

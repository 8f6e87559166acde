import type { DayCheck, RowCursor } from "./housekeeping-types.ts";
import { dayName } from "./spend-days.ts";
import type { UpkeepDeps } from "./upkeep.ts";

const DAY_MS = 86_400_000;
/** Days are numbers since 1970; a clock that was never set begins there. */
const FIRST_DAY = 0;
/** Rows of one transaction: about 3 ms of the event loop. */
const SLICE_ROWS_MAX = 200;
/**
 * Providers keep a stored response for 30 days (https://docs.x.ai/docs/guides/chat, and OpenAI alike): that long the row
 * that says which deployment and key made it is needed by `previous_response_id`.
 */
const OWNERS_KEPT_MS = 31 * DAY_MS;
/** A day that kept some or all of its rows is looked at again after this. */
const REST_MS = DAY_MS;

/** Deletes whole days before `endDay`, the oldest first, slice by slice until it is enough. */
export type PruneDays = (endDay: number, isEnough: () => Promise<boolean>) => Promise<void>;

export function createPruneDays({ housekeeping, clock, logger, pause, isStopped }: UpkeepDeps): PruneDays {
	/** Days that are left alone for a while, until when (monotonic), and whether because they could not be proved. */
	const resting = new Map<number, { readonly untilMs: number; readonly isRefused: boolean }>();
	const rest = (day: number, isRefused: boolean) =>
		resting.set(day, { untilMs: clock.monotonic() + REST_MS, isRefused });

	/** Nothing is deleted whose sum is not proved to be kept. Twice, since rows may be settled while they are added up. */
	async function isProved(day: number): Promise<boolean> {
		for (let tries = 1; !isStopped(); tries += 1) {
			const check = await housekeeping.checkDay(day);
			if (check.differences.length === 0) {
				return !isStopped();
			}
			if (tries === 2) {
				tellRefused(check, logger);
				return false;
			}
		}
		return false;
	}

	async function pruneDay(day: number, isEnough: () => Promise<boolean>): Promise<void> {
		let from: RowCursor | undefined;
		let deleted = 0;
		do {
			const bounds = { rowsMax: SLICE_ROWS_MAX, ownersSinceMs: clock.now() - OWNERS_KEPT_MS };
			const slice = await housekeeping.pruneDay(day, from, bounds);
			deleted += slice.deleted;
			from = slice.next;
			await pause();
		} while (from !== undefined && !isStopped() && !(await isEnough()));
		if (from === undefined) {
			// What is still there is needed.
			rest(day, false);
		}
		if (deleted > 0) {
			logger.info("storage_pruned", { day: dayName(day), attempts: deleted });
			// Its last requests may have begun the evening before: their first attempts wait for the later ones.
			if (resting.get(day - 1)?.isRefused === false) {
				resting.delete(day - 1);
			}
		}
	}

	return async (endDay, isEnough) => {
		for (const [day, { untilMs }] of resting) {
			if (untilMs <= clock.monotonic()) {
				resting.delete(day);
			}
		}
		let day = await housekeeping.nextDay(FIRST_DAY, endDay);
		while (day !== undefined && !isStopped() && !(await isEnough())) {
			if (!resting.has(day)) {
				if (await isProved(day)) {
					await pruneDay(day, isEnough);
				} else {
					rest(day, true);
				}
			}
			day = isStopped() ? undefined : await housekeeping.nextDay(day + 1, endDay);
		}
	};
}

function tellRefused({ day, differences }: DayCheck, logger: UpkeepDeps["logger"]): void {
	const [first] = differences;
	logger.error("storage_day_refused", {
		day: dayName(day),
		differences: differences.length,
		figure: first?.figure,
		rows: first?.rows,
		rollUp: first?.rollUp,
		notice: "its rows and its daily sums differ, so its rows are kept; gateway-llm reconcile lists all differences",
	});
}

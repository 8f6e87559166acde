import { release, settleLost } from "./committer.ts";
import type { OutboxShelf } from "./outbox-shelf.ts";
import { BATCH_ROWS_MAX, type PostgresCommitter } from "./postgres-committer.ts";
import type { Scheduler } from "./scheduler.ts";
import type { StoreProblem } from "./types.ts";
import type { WriteQueue } from "./write-queue.ts";

export interface DirectWriterDeps {
	readonly queue: WriteQueue;
	readonly database: PostgresCommitter;
	readonly shelf: OutboxShelf;
	readonly scheduler: Scheduler;
	readonly onProblem: (problem: StoreProblem) => void;
	/** Whether rows go to the database directly at present. */
	readonly isDirect: () => boolean;
	readonly onFailure: (cause: unknown) => void;
	/** Called when there is nothing left to do. */
	readonly onIdle: () => void;
}

/** Brings what is queued to the database, without the outbox. */
export interface DirectWriter {
	/** Rows have been queued. */
	queued(): void;
	/** One batch, if there is one. @throws What the database raises, or that it is late: the rows stay in the queue. */
	writeQueued(): Promise<void>;
	/** Rows of the queue that the database may be writing at this moment. */
	onTheirWay(): ReadonlySet<unknown>;
}

const NONE: ReadonlySet<unknown> = new Set();

export function createDirectWriter(deps: DirectWriterDeps): DirectWriter {
	const { queue, database, shelf, scheduler, onProblem, isDirect, onFailure, onIdle } = deps;
	let isAtWork = false;
	let onTheirWay = NONE;

	function schedule(): void {
		if (!isAtWork) {
			isAtWork = true;
			scheduler.soon(() => void work());
		}
	}

	async function work(): Promise<void> {
		try {
			while (isDirect() && queue.size() > 0) {
				await writeQueued();
			}
		} catch (cause) {
			onFailure(cause);
		}
		isAtWork = false;
		onIdle();
	}

	async function writeQueued(): Promise<void> {
		const batch = queue.next(BATCH_ROWS_MAX);
		if (batch.openings.length + batch.settles.length === 0) {
			return;
		}
		const rows = new Set([...batch.openings, ...batch.settles]);
		onTheirWay = rows;
		const written = database.writeInTime(batch);
		void database.ended().then(() => {
			onTheirWay = onTheirWay === rows ? NONE : onTheirWay;
		});
		const refused = await written;
		if (shelf.isOpen()) {
			// They went to disk meanwhile, and come from there again: what is refused is refused again.
			return;
		}
		queue.remove(batch);
		batch.settles.forEach(release);
		for (const { write, cause } of refused) {
			onProblem(settleLost(write, "row_refused", cause));
		}
		shelf.recover();
	}

	return { queued: schedule, writeQueued, onTheirWay: () => onTheirWay };
}

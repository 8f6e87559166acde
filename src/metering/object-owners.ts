import type { ObjectOwner } from "./ledger-types.ts";

/** Who made which stored object, as far as memory knows: all whose row is not on disk yet, and the latest of the others. */
export interface ObjectOwners {
	/** An attempt that is still running makes this object: kept until it is finished or abandoned. */
	running(objectId: string, owner: ObjectOwner): void;
	/** The row is on disk: from here on the store can answer too. */
	finished(objectId: string, owner: ObjectOwner): void;
	abandoned(objectId: string | undefined): void;
	find(objectId: string): ObjectOwner | undefined;
}

/** Finished objects remembered; the oldest goes first. Running ones are at most as many as there are attempts. */
const FINISHED_MAX = 10_000;

export function createObjectOwners(): ObjectOwners {
	const running = new Map<string, ObjectOwner>();
	const finished = new Map<string, ObjectOwner>();
	return {
		running(objectId, owner): void {
			running.set(objectId, owner);
		},
		finished(objectId, owner): void {
			finished.set(objectId, owner);
			if (finished.size > FINISHED_MAX) {
				const [oldest] = finished.keys();
				finished.delete(oldest ?? objectId);
			}
		},
		abandoned(objectId): void {
			if (objectId !== undefined) {
				running.delete(objectId);
			}
		},
		find: (objectId) => running.get(objectId) ?? finished.get(objectId),
	};
}

import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { openOutboxFile, readCount, readPragma } from "./outbox-open.ts";
import { decodeRow, encodeRow } from "./outbox-rows.ts";
import type { Outbox, OutboxRow } from "./outbox-types.ts";

/**
 * What may wait. A row is about 800 bytes, so that both bounds are some hours of a busy gateway: an outage that lasts
 * longer is nobody's blip, and the disk belongs to others too. A start reads all of it once, about 10 s at the bound.
 */
const ROWS_MAX = 5_000_000;
const BYTES_MAX = 2 * 1024 ** 3;
/** An empty file above this gives its pages back. */
const KEPT_BYTES_MAX = 8 * 1024 ** 2;
const INSTANCE_KEY = "instance";

export interface OutboxOptions {
	/** Created for this user alone. */
	readonly directory: string;
	readonly rowsMax?: number | undefined;
	readonly bytesMax?: number | undefined;
}

/**
 * Opens the file `outbox.db` of a directory, for this process alone, or makes it.
 * @throws StoreRefused when it may not be used as it is: its message tells the operator what to do.
 */
export function openOutbox({ directory, rowsMax = ROWS_MAX, bytesMax = BYTES_MAX }: OutboxOptions): Outbox {
	const { client, close } = openOutboxFile(directory, join(directory, "outbox.db"));
	const insert = client.prepare<unknown, [string]>("insert into outbox (write) values (?)");
	const first = client.prepare<{ place: number; write: string }, [number, number]>(
		"select place, write from outbox where place > ? order by place limit ?",
	);
	const drop = client.prepare<unknown, [number]>("delete from outbox where place <= ?");
	const instance = client
		.query<{ value: string }, [string]>("select value from meta where key = ?")
		.get(INSTANCE_KEY)?.value;
	const insertAll = client.transaction((rows: readonly string[]) => {
		for (const row of rows) {
			insert.run(row);
		}
	});
	let count = readCount(client, "outbox");
	let bytes = usedBytes(client);

	return {
		append(rows: readonly OutboxRow[]) {
			insertAll.immediate(rows.map(encodeRow));
			count += rows.length;
			bytes = usedBytes(client);
		},
		oldest: (rowsWanted, afterPlace = 0) =>
			first.all(afterPlace, rowsWanted).map(({ place, write }) => ({ place, row: decodeRow(write) })),
		dropThrough(place) {
			count -= drop.run(place).changes;
			if (count === 0) {
				shrink(client);
			}
			bytes = usedBytes(client);
		},
		count: () => count,
		hasRoom: () => count < rowsMax && bytes < bytesMax,
		previousInstance: instance,
		takeOver(instanceId) {
			client
				.query("insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value")
				.run(INSTANCE_KEY, instanceId);
		},
		close,
	};
}

/** Pages that hold something. */
function usedBytes(client: Database): number {
	return (readPragma(client, "page_count") - readPragma(client, "freelist_count")) * readPragma(client, "page_size");
}

/** Quick, however large the file: there is nothing in it to be copied. */
function shrink(client: Database): void {
	if (readPragma(client, "page_count") * readPragma(client, "page_size") <= KEPT_BYTES_MAX) {
		return;
	}
	try {
		client.run("VACUUM");
		client.run("PRAGMA wal_checkpoint(TRUNCATE)");
	} catch {
		// The pages stay, and are used by the next outage.
	}
}

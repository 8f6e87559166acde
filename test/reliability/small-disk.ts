import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A file system of its own, in memory, small enough to be filled. */
export interface SmallDisk extends AsyncDisposable {
	readonly directory: string;
	/** Takes every byte that is left. */
	fill(): void;
	/** Gives them back. */
	empty(): void;
}

/** undefined where this process may not mount anything: only root can, and not in every container. */
export async function mountSmallDisk(directory: string, megabytes: number): Promise<SmallDisk | undefined> {
	mkdirSync(directory, { recursive: true });
	const options = `size=${megabytes}m,mode=0700`;
	const mounted = await Bun.$`mount -t tmpfs -o ${options} tmpfs ${directory}`.quiet().nothrow();
	if (mounted.exitCode !== 0) {
		return undefined;
	}
	const filler = join(directory, "filler");
	return {
		directory,
		fill() {
			const file = openSync(filler, "a");
			try {
				for (let size = 1 << 20; size > 0; size >>= 1) {
					writeUntilFull(file, new Uint8Array(size));
				}
			} finally {
				closeSync(file);
			}
		},
		empty: () => rmSync(filler, { force: true }),
		async [Symbol.asyncDispose]() {
			await Bun.$`umount --lazy ${directory}`.quiet().nothrow();
		},
	};
}

function writeUntilFull(file: number, piece: Uint8Array): void {
	try {
		for (;;) {
			writeSync(file, piece);
		}
	} catch {
		// ENOSPC is what this is for.
	}
}

/** Width to height. */
export interface AspectRatio {
	/** As Google writes it: `16:9`. */
	readonly name: string;
	readonly ratio: number;
}

export interface Size {
	readonly width: number;
	readonly height: number;
}

const SIZE = /^(\d{1,5})x(\d{1,5})$/;

/** `1024x1536`; undefined for `auto`, which leaves the size to the model. */
export function readSize(size: unknown): Size | undefined {
	const found = typeof size === "string" ? SIZE.exec(size) : null;
	const [width, height] = [Number(found?.[1]), Number(found?.[2])];
	return width > 0 && height > 0 ? { width, height } : undefined;
}

export function aspectRatios(...names: readonly string[]): readonly AspectRatio[] {
	return names.map((name) => {
		const [width = 1, height = 1] = name.split(":").map(Number);
		return { name, ratio: width / height };
	});
}

/** The one nearest in proportion: twice as wide is as far off as half as wide. */
export function nearestRatio({ width, height }: Size, known: readonly AspectRatio[]): string | undefined {
	const distance = ({ ratio }: AspectRatio) => Math.abs(Math.log(width / height / ratio));
	let nearest: AspectRatio | undefined;
	for (const ratio of known) {
		nearest = nearest === undefined || distance(ratio) < distance(nearest) ? ratio : nearest;
	}
	return nearest?.name;
}

import { characterKinds } from "./characters.ts";
import type { Model } from "./model.ts";

/*
 * The weights file: "GLRC", the length of a JSON header (u32, little endian), the header, then the arrays it lists, each
 * at a multiple of eight. Little endian throughout, as every machine is that Bun runs on.
 */

const MAGIC = 0x43524c47;
const ALIGNMENT = 8;

const ARRAYS = {
	fold: Uint16Array,
	keys: Uint32Array,
	rows: Uint16Array,
	rowHash: Uint32Array,
	rowClasses: Uint32Array,
	rowRarity: Uint8Array,
	vectors: Int8Array,
	vectorScale: Float32Array,
	vectorWeight: Float32Array,
	hashed: Int8Array,
	linear: Float32Array,
	means: Float32Array,
	treeFeatures: Int16Array,
	treeThresholds: Float32Array,
	treeValues: Float32Array,
	calibration: Float32Array,
	/** hashedScale, base. */
	scalars: Float64Array,
} as const;

type ArrayName = keyof typeof ARRAYS;
type ArrayOf<Name extends ArrayName> = InstanceType<(typeof ARRAYS)[Name]>;

interface Header {
	readonly version: 1;
	/** Offset from the end of the header, and the number of elements. */
	readonly arrays: Readonly<Record<ArrayName, readonly [number, number]>>;
}

function arrayNames(): readonly ArrayName[] {
	// Object.keys widens to string[]; the object is a constant of this file, so its keys are exactly the names.
	return Object.keys(ARRAYS) as ArrayName[];
}

/** @throws Error when the bytes are not a weights file. */
export function decodeModel(bytes: ArrayBuffer): Model {
	const head = new Uint32Array(bytes, 0, 2);
	const [magic, length = 0] = head;
	if (magic !== MAGIC) {
		throw new Error("Not a weights file of the route classifier.");
	}
	// Written by encodeModel, and its hash is checked by a test.
	const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length))) as Header;
	const start = 8 + length;
	const read = <Name extends ArrayName>(name: Name): ArrayOf<Name> => {
		const [offset, elements] = header.arrays[name];
		// The constructor belongs to the name; TypeScript does not see that for a union of them.
		return new ARRAYS[name](bytes, start + offset, elements) as ArrayOf<Name>;
	};
	const [hashedScale = 0, base = 0] = read("scalars");
	return {
		tables: {
			fold: read("fold"),
			kinds: characterKinds(),
			keys: read("keys"),
			rows: read("rows"),
			rowHash: read("rowHash"),
			rowClasses: read("rowClasses"),
			rowRarity: read("rowRarity"),
			vectors: read("vectors"),
			vectorScale: read("vectorScale"),
			vectorWeight: read("vectorWeight"),
		},
		hashed: read("hashed"),
		hashedScale,
		linear: read("linear"),
		means: read("means"),
		treeFeatures: read("treeFeatures"),
		treeThresholds: read("treeThresholds"),
		treeValues: read("treeValues"),
		base,
		calibration: read("calibration"),
	};
}

export function encodeModel(model: Model): Uint8Array {
	const { tables } = model;
	const arrays: Readonly<Record<ArrayName, ArrayBufferView & ArrayLike<number>>> = {
		fold: tables.fold,
		keys: tables.keys,
		rows: tables.rows,
		rowHash: tables.rowHash,
		rowClasses: tables.rowClasses,
		rowRarity: tables.rowRarity,
		vectors: tables.vectors,
		vectorScale: tables.vectorScale,
		vectorWeight: tables.vectorWeight,
		hashed: model.hashed,
		linear: model.linear,
		means: model.means,
		treeFeatures: model.treeFeatures,
		treeThresholds: model.treeThresholds,
		treeValues: model.treeValues,
		calibration: model.calibration,
		scalars: Float64Array.of(model.hashedScale, model.base),
	};
	const places: Partial<Record<ArrayName, readonly [number, number]>> = {};
	let size = 0;
	for (const name of arrayNames()) {
		places[name] = [size, arrays[name].length];
		size = aligned(size + arrays[name].byteLength);
	}
	const header = JSON.stringify({ version: 1, arrays: places });
	const start = aligned(8 + header.length);
	const bytes = new Uint8Array(start + size);
	new DataView(bytes.buffer).setUint32(0, MAGIC, true);
	new DataView(bytes.buffer).setUint32(4, start - 8, true);
	bytes.set(new TextEncoder().encode(header.padEnd(start - 8)), 8);
	for (const name of arrayNames()) {
		const array = arrays[name];
		const [offset] = places[name] ?? [0];
		bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), start + offset);
	}
	return bytes;
}

function aligned(size: number): number {
	return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

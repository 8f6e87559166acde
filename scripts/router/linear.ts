import type { Samples } from "./trees.ts";

export interface LinearModel {
	readonly bias: number;
	readonly weights: Float64Array;
}

/** Ridge regression on standardised columns, by normal equations and Cholesky's decomposition. */
export function fitLinear({ rows, columns, targets, weights }: Samples, ridge: number): LinearModel {
	const size = columns.length;
	const mass = sum(weights);
	const means = columns.map((column) => dot(column, weights) / mass);
	const scales = columns.map((column, index) => {
		const mean = means[index] ?? 0;
		let squares = 0;
		for (let row = 0; row < rows; row += 1) {
			squares += (weights[row] ?? 0) * ((column[row] ?? 0) - mean) ** 2;
		}
		return Math.sqrt(squares / mass) + 1e-9;
	});
	const centre = dot(targets, weights) / mass;
	const normal = columns.map((column) => Float32Array.from(column));
	for (const [index, column] of normal.entries()) {
		for (let row = 0; row < rows; row += 1) {
			column[row] = ((column[row] ?? 0) - (means[index] ?? 0)) / (scales[index] ?? 1);
		}
	}
	const weighted = new Float64Array(rows);
	const matrix = new Float64Array(size * size);
	const right = new Float64Array(size);
	for (let one = 0; one < size; one += 1) {
		const column = normal[one] ?? new Float32Array();
		for (let row = 0; row < rows; row += 1) {
			weighted[row] = (column[row] ?? 0) * (weights[row] ?? 0);
		}
		for (let row = 0; row < rows; row += 1) {
			right[one] = (right[one] ?? 0) + (weighted[row] ?? 0) * ((targets[row] ?? 0) - centre);
		}
		for (let two = 0; two <= one; two += 1) {
			matrix[one * size + two] = dot(normal[two] ?? new Float32Array(), weighted) + (one === two ? ridge * mass : 0);
		}
	}
	const solution = solve(matrix, right, size);
	const unscaled = Float64Array.from(solution, (value, index) => value / (scales[index] ?? 1));
	const bias = unscaled.reduce((value, weight, index) => value - weight * (means[index] ?? 0), centre);
	return { bias, weights: unscaled };
}

/** Solves a symmetric positive system given by its lower triangle. */
function solve(matrix: Float64Array, right: Float64Array, size: number): Float64Array {
	const lower = new Float64Array(size * size);
	for (let row = 0; row < size; row += 1) {
		for (let column = 0; column <= row; column += 1) {
			let value = matrix[row * size + column] ?? 0;
			for (let inner = 0; inner < column; inner += 1) {
				value -= (lower[row * size + inner] ?? 0) * (lower[column * size + inner] ?? 0);
			}
			lower[row * size + column] = row === column ? Math.sqrt(value) : value / (lower[column * size + column] ?? 1);
		}
	}
	const solution = Float64Array.from(right);
	for (let row = 0; row < size; row += 1) {
		let value = solution[row] ?? 0;
		for (let inner = 0; inner < row; inner += 1) {
			value -= (lower[row * size + inner] ?? 0) * (solution[inner] ?? 0);
		}
		solution[row] = value / (lower[row * size + row] ?? 1);
	}
	for (let row = size - 1; row >= 0; row -= 1) {
		let value = solution[row] ?? 0;
		for (let inner = row + 1; inner < size; inner += 1) {
			value -= (lower[inner * size + row] ?? 0) * (solution[inner] ?? 0);
		}
		solution[row] = value / (lower[row * size + row] ?? 1);
	}
	return solution;
}

function sum(values: Float64Array): number {
	return values.reduce((total, value) => total + value, 0);
}

function dot(left: Float32Array | Float64Array, right: Float64Array): number {
	let total = 0;
	for (let index = 0; index < left.length; index += 1) {
		total += (left[index] ?? 0) * (right[index] ?? 0);
	}
	return total;
}

/** Rows of whole numbers, found by their first one; several may have the same. */
export interface Rows {
  readonly width: number;
  /** Row after row, in the order of their keys. */
  readonly numbers: Int32Array;
}

type Row = readonly [key: number, ...rest: number[]];

export function makeRows(width: number, rows: Row[]): Rows {
  return { width, numbers: Int32Array.from(rows.sort(([a], [b]) => a - b).flat()) };
}

/** What the rows of that key have behind it. */
export function rowsOf({ width, numbers }: Rows, key: number): Int32Array[] {
  const found: Int32Array[] = [];
  for (let at = placeOf(numbers, width, key); numbers[at] === key; at += width) {
    found.push(numbers.subarray(at + 1, at + width));
  }
  return found;
}

export function hasRow({ width, numbers }: Rows, key: number): boolean {
  return numbers[placeOf(numbers, width, key)] === key;
}

/** Of all rows the number in that column. */
export function columnOf({ width, numbers }: Rows, column: number): Int32Array {
  return numbers.filter((_, at) => at % width === column);
}

/** Where the first row stands whose key is not less. */
function placeOf(numbers: Int32Array, width: number, key: number): number {
  let low = 0;
  let high = numbers.length / width;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle * width] as number) < key) low = middle + 1;
    else high = middle;
  }
  return low * width;
}

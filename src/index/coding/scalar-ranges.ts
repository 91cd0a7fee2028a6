/** Ranges of scalar quantisers: for each dimension where its levels begin and how far they lie apart, fitted to a sample. */

/** What numbers mean: x̂[j] = low[j] + c[j] · step[j], 0 ≤ c[j] ≤ TOP_LEVEL. */
export interface ScalarRanges {
  /** [dim] */
  readonly low: Float32Array;
  /** [dim], ≥ 0; 0 where all values are alike. */
  readonly step: Float32Array;
}

/** Levels above the lowest: numbers of 4 bits. */
export const TOP_LEVEL = 15;
/** Rounds of assigning levels and fitting them. */
const ROUNDS = 10;
/** Where 16 levels end that lose least of a normal distribution, in standard deviations. */
const REACH = 2.5;

/** Ranges that lose little of sampled rows f32 [n, dim], in squares; f64 in a fixed order. */
export function fitRanges(sample: Float32Array, dim: number): ScalarRanges {
  const ranges = { low: new Float32Array(dim), step: new Float32Array(dim) };
  const column = new Float64Array(sample.length / dim);
  for (let j = 0; j < dim; j++) {
    for (let i = 0; i < column.length; i++) column[i] = sample[i * dim + j]!;
    const { low, step } = fitColumn(column);
    ranges.low[j] = low;
    ranges.step[j] = step;
  }
  return ranges;
}

/** The number of a value; 0 where all are alike. */
export function levelOf(x: number, low: number, step: number): number {
  if (!(step > 0)) return 0;
  return Math.max(0, Math.min(TOP_LEVEL, Math.floor((x - low) / step + 0.5)));
}

interface Range {
  readonly low: number;
  readonly step: number;
}

/** The better of two fits: from the ends of the values, and from where a normal distribution would have its levels end. */
function fitColumn(column: Float64Array): Range {
  const n = column.length;
  let [least, most, sum] = [Infinity, -Infinity, 0];
  for (const x of column) {
    least = Math.min(least, x);
    most = Math.max(most, x);
    sum += x;
  }
  if (!(most > least)) return { low: n === 0 ? 0 : least, step: 0 };
  const mean = sum / n;
  let squares = 0;
  for (const x of column) squares += (x - mean) * (x - mean);
  const reach = REACH * Math.sqrt(squares / n);
  const wide = fitFrom(column, rangeOf(least, most));
  const normal = fitFrom(column, rangeOf(mean - reach, mean + reach));
  return normal.lost < wide.lost ? normal : wide;
}

function rangeOf(first: number, last: number): Range {
  return { low: Math.fround(first), step: Math.fround((last - first) / TOP_LEVEL) };
}

/** Assigns values to levels and fits the levels to them by least squares, as long as that helps. */
function fitFrom(column: Float64Array, start: Range): Range & { readonly lost: number } {
  let best = { ...start, lost: Infinity };
  let range = start;
  for (let round = 0; round < ROUNDS; round++) {
    const { lost, next } = fitOnce(column, range);
    if (!(lost < best.lost)) break;
    best = { ...range, lost };
    range = next;
  }
  return best;
}

/** What a range loses, and the range that loses least with values at the levels where they are. */
function fitOnce(column: Float64Array, { low, step }: Range): { lost: number; next: Range } {
  let [lost, sumC, sumX, sumCC, sumCX] = [0, 0, 0, 0, 0];
  for (let i = 0; i < column.length; i++) {
    const x = column[i]! - low;
    const c = levelOf(x, 0, step);
    const left = x - c * step;
    lost += left * left;
    sumC += c;
    sumX += x;
    sumCC += c * c;
    sumCX += c * x;
  }
  const n = column.length;
  const spread = n * sumCC - sumC * sumC;
  if (!(spread > 0)) return { lost, next: { low, step } };
  const slope = (n * sumCX - sumC * sumX) / spread;
  return { lost, next: { low: Math.fround(low + (sumX - slope * sumC) / n), step: Math.fround(slope) } };
}

/** Pairs of vectors made to break error bounds: what each kind is after is said beside it. */
import type { Metric } from '../../src/index/vector-index.ts';
import type { Random } from '../contract/data.ts';

const f = Math.fround;

export const attacks = [
  'normal',
  'bytes', // a grid that loses nothing
  'bytes and a half', // rows that such a grid did not foresee
  'wide exponents', // 2^-149 … 2^54 in one row
  'subnormal and large', // products underflow on one side, dominate on the other
  'all subnormal',
  'near duplicates', // the true distance is a rounding error
  'directed rounding', // every rounding makes the canonical distance smaller: what must be kept looks far
  'directed outwards', // and larger: what is k-th looks near
  'cancelling', // a dot product far below its terms
  'far outlier', // clipped codes, saturated slacks
  'one spike', // all of the norm in one dimension
  'zero',
  'equal',
] as const;
export type Attack = (typeof attacks)[number];

/** A query and rows near or against it: f32 [dim] and [n][dim], every squared norm below 2^124. */
export function attack(
  kind: Attack,
  metric: Metric,
  n: number,
  dim: number,
  random: Random,
): { query: Float32Array; rows: Float32Array[] } {
  const query = valuesOf(kind, dim, random);
  const rows = Array.from({ length: n }, (_, i) => rowFor(kind, metric, query, i, random));
  return { query: tamed(query), rows: rows.map(tamed) };
}

function valuesOf(kind: Attack, dim: number, random: Random): Float32Array {
  const scale = kind === 'far outlier' ? 2 ** random.int(10, 50) : 1;
  return Float32Array.from({ length: dim }, (_, j) => {
    switch (kind) {
      case 'bytes':
        return random.int(0, 255);
      case 'bytes and a half':
        return random.int(0, 510) / 2 + (random() < 0.1 ? random.normal() * 1e-30 : 0);
      case 'wide exponents':
        return random.normal() * 2 ** random.int(-149, 54);
      case 'subnormal and large':
        return random() < 0.5 ? random.normal() * 1e-41 : random.normal() * 2 ** random.int(0, 50);
      case 'all subnormal':
        return random.int(-3, 3) * 2 ** -149 + (random() < 0.3 ? random.normal() * 2 ** -130 : 0);
      case 'one spike':
        return j === 0 ? 1 + random() : random.normal() * 1e-4;
      case 'zero':
        return 0;
      case 'equal':
        return 0.1;
      default:
        return random.normal() * scale;
    }
  });
}

function rowFor(kind: Attack, metric: Metric, query: Float32Array, i: number, random: Random): Float32Array {
  switch (kind) {
    case 'near duplicates':
      return query.map((x) => x * (1 + random.int(-2, 2) * 2 ** -23) + (random() < 0.1 ? random.normal() * 1e-6 : 0));
    case 'directed rounding':
      return i % 4 ? directed(metric, query, -1, random) : query.slice();
    case 'directed outwards':
      return i % 4 ? directed(metric, query, 1, random) : query.slice();
    case 'cancelling':
      return query.map((x, j) => (j % 2 ? query[j - 1]! : -(query[j + 1] ?? x)) * (1 + random.int(-1, 1) * 2 ** -22));
    case 'one spike':
      return query.map((x, j) => (j === 0 ? (i % 2 ? x : -x) * (1 + random.int(-1, 1) * 2 ** -22) : random.normal() * 1e-4));
    case 'zero':
      return i % 2 ? query.slice() : query.map(() => random.normal() * 2 ** random.int(-40, 10));
    case 'equal':
      return i % 8 ? query.slice() : query.map((x) => x + random.int(-1, 1) * 2 ** -26);
    default:
      return valuesOf(kind, query.length, random);
  }
}

/**
 * Chooses each value among a few so that the canonical distance comes out as far below (−1) or above (1) the true one as it
 * can. Follows the lanes of the canonical sum.
 */
function directed(metric: Metric, query: Float32Array, direction: 1 | -1, random: Random): Float32Array {
  const lanes = new Float64Array(16);
  return query.map((q, j) => {
    const lane = lanes[j % 16]!;
    let best = { gain: Number.NEGATIVE_INFINITY, value: q, sum: lane };
    for (let attempt = 0; attempt < 24; attempt++) {
      const value = f(metric === 'l2' ? q + random.normal() : q * (0.2 + random()) + random.normal() * 0.01);
      const difference = f(q - value);
      const term = metric === 'l2' ? f(difference * difference) : f(q * value);
      const sum = f(lane + term);
      const truth = metric === 'l2' ? (q - value) * (q - value) : q * value;
      const gain = (metric === 'l2' ? direction : -direction) * (sum - lane - truth);
      if (gain > best.gain) best = { gain, value, sum };
    }
    lanes[j % 16] = best.sum;
    return best.value;
  });
}

/** Scaled down by powers of two until its squared norm is below 2^123. */
function tamed(row: Float32Array): Float32Array {
  let out = row;
  while (out.reduce((sum, x) => sum + x * x, 0) > 2 ** 123) out = out.map((x) => x / 256);
  return out;
}

/** Seeded data, ordinary and nasty. The seed is printed once; ISODEX_SEED repeats a run. */
import { randomUniforms } from '../../src/util/random.ts';

export const seed = Number(process.env.ISODEX_SEED ?? 20261123);

export interface Random {
  (): number;
  /** Standard normal deviates, by twelve uniforms: good enough for test data, the same everywhere. */
  normal(): number;
  int(low: number, high: number): number;
}

export function randomFrom(offset: number): Random {
  const uniform = randomUniforms(seed + offset);
  const normal = () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum;
  };
  return Object.assign(uniform, { normal, int: (low: number, high: number) => low + Math.floor(uniform() * (high - low + 1)) });
}

export type Kind =
  | 'normal'
  | 'unit'
  | 'bytes'
  | 'tiny'
  | 'huge'
  | 'mixed'
  | 'constant'
  | 'duplicates'
  | 'clusters'
  | 'outlier'
  | 'zeros'
  | 'subnormal'
  | 'sorted';

export const kinds: readonly Kind[] = [
  'normal',
  'unit',
  'bytes',
  'tiny',
  'huge',
  'mixed',
  'constant',
  'duplicates',
  'clusters',
  'outlier',
  'zeros',
  'subnormal',
  'sorted',
];

/** `n` rows of one kind: f32 [n, dim]. */
export function makeVectors(kind: Kind, n: number, dim: number, offset = 0): Float32Array {
  const random = randomFrom(offset);
  const x = new Float32Array(n * dim);
  for (let row = 0; row < n; row++) {
    const out = x.subarray(row * dim, (row + 1) * dim);
    for (let j = 0; j < dim; j++) out[j] = VALUES[kind](random, row, j, n);
    if (kind === 'unit') normalise(out);
    if (kind === 'duplicates' && row % 3) out.set(x.subarray((row % 7) * dim, ((row % 7) + 1) * dim));
  }
  return x;
}

const VALUES: Record<Kind, (random: Random, row: number, j: number, n: number) => number> = {
  normal: (r) => r.normal(),
  unit: (r) => r.normal(),
  bytes: (r) => r.int(0, 255),
  tiny: (r) => r.normal() * 1e-18,
  huge: (r) => r.normal() * 1e15,
  mixed: (r) => r.normal() * 2 ** r.int(-60, 20),
  constant: () => 0.37,
  duplicates: (r) => r.normal(),
  clusters: (r, row) => (row % 2 ? 1e4 : -1e4) + r.normal() * 1e-2,
  outlier: (r, _row, j) => (j === 0 ? r.normal() * 1e4 : r.normal()),
  zeros: (r) => (r() < 0.8 ? (r() < 0.5 ? 0 : -0) : r.normal()),
  subnormal: (r) => (r() < 0.5 ? r.normal() * 1e-40 : r.normal() * 1e-20),
  sorted: (r, row, _j, n) => row / n + r.normal() * 1e-3,
};

function normalise(row: Float32Array): void {
  let sum = 0;
  for (const v of row) sum += v * v;
  const norm = Math.sqrt(sum) || 1;
  for (let j = 0; j < row.length; j++) row[j] = row[j]! / norm;
}

import { allocAll } from '../../host/alloc-all.ts';
import type { Block } from '../../host/block.ts';
import type { HostEngine } from '../../host/engine.ts';
import { roundUp } from '../../util/math.ts';
import { Breather, type TaskOptions } from '../../util/tasks.ts';
import { multiply } from './multiply.ts';
import { unitScale } from './unit-scale.ts';

export interface Moments {
  /** [d] */
  readonly mean: Float64Array;
  /** [d, d], symmetric to the bit: the mean of the products of what rows deviate from the mean by. */
  readonly covariance: Float64Array;
}

/** Rows whose products are summed in f32, a quarter of them in each of four sums, before f64 takes over. A multiple of 4. */
const BLOCK_ROWS = 512;
/** The triangle is covered by so many strips: what is computed twice is a half of each. */
const STRIPS = 8;
const LEAST_STRIP = 16;
/** Dimensions of rows that are turned together, so that what is written stays in the cache. */
const TURNED_ROWS = 16;

/**
 * Mean and covariance (divided by n) of rows f32 [n, d], n ≥ 1. Deviations from the mean are rounded to f32, so a covariance is
 * off by some 1e-6 of the product of both standard deviations. Progress is in rows.
 */
export async function meanAndCovariance(
  host: HostEngine,
  rows: Float32Array,
  d: number,
  { signal, onProgress }: TaskOptions = {},
): Promise<Moments> {
  const breather = new Breather(signal);
  const n = rows.length / d;
  const mean = await meanOf(rows, d, breather);
  const scale = unitScale(await largestDeviation(rows, mean, breather));
  const covariance = new Float64Array(d * d);
  const k = Math.min(BLOCK_ROWS, roundUp(n, 4));
  const [turned, products] = await allocAll(host, [
    ['f32', d * k, 'deviations, turned'],
    ['f32', d * d, 'products'],
  ]);
  try {
    for (let first = 0; first < n; first += k) {
      turnDeviations(host.view(turned), rows.subarray(first * d, (first + k) * d), mean, scale);
      await addProducts(host, { turned, products }, { d, k }, covariance, breather);
      onProgress?.(Math.min(first + k, n), n);
    }
  } finally {
    turned[Symbol.dispose]();
    products[Symbol.dispose]();
  }
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) covariance[j * d + i] = covariance[i * d + j]! /= n * scale * scale;
  }
  return { mean, covariance };
}

async function meanOf(rows: Float32Array, d: number, breather: Breather): Promise<Float64Array> {
  const mean = new Float64Array(d);
  for (let at = 0; at < rows.length; at += d) {
    for (let j = 0; j < d; j++) mean[j]! += rows[at + j]!;
    if ((at / d) % BLOCK_ROWS === 0) await breather.breathe();
  }
  const n = rows.length / d;
  for (let j = 0; j < d; j++) mean[j]! /= n;
  return mean;
}

async function largestDeviation(rows: Float32Array, mean: Float64Array, breather: Breather): Promise<number> {
  const d = mean.length;
  let most = 0;
  for (let at = 0; at < rows.length; at += d) {
    for (let j = 0; j < d; j++) {
      const size = Math.abs(rows[at + j]! - mean[j]!);
      if (size > most) most = size;
    }
    if ((at / d) % BLOCK_ROWS === 0) await breather.breathe();
  }
  return most;
}

/** What up to k rows deviate from the mean by, scaled, f32 [d, k], zeros where there are fewer. */
function turnDeviations(turned: Float32Array, rows: Float32Array, mean: Float64Array, scale: number): void {
  const d = mean.length;
  const k = turned.length / d;
  const n = rows.length / d;
  if (n < k) turned.fill(0);
  for (let first = 0; first < n; first += TURNED_ROWS) {
    const last = Math.min(first + TURNED_ROWS, n);
    for (let j = 0; j < d; j++) {
      const middle = mean[j]!;
      for (let row = first; row < last; row++) turned[j * k + row] = (rows[row * d + j]! - middle) * scale;
    }
  }
}

/** Adds turned · turnedᵀ to the lower triangle of `sums` [d, d], strip by strip: row i to its diagonal or a little further. */
async function addProducts(
  host: HostEngine,
  { turned, products }: { readonly turned: Block<'f32'>; readonly products: Block<'f32'> },
  { d, k }: { readonly d: number; readonly k: number },
  sums: Float64Array,
  breather: Breather,
): Promise<void> {
  const strip = Math.max(LEAST_STRIP, Math.ceil(d / STRIPS));
  for (let first = 0; first < d; first += strip) {
    const m = Math.min(first + strip, d);
    await multiply(host, { a: turned, b: turned, c: products }, { first, n: m - first, m, k }, breather);
    const view = host.view(products);
    for (let i = first; i < m; i++) for (let j = 0; j <= i; j++) sums[i * d + j]! += view[i * m + j]!;
  }
}

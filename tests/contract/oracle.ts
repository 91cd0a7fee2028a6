/** Brute force, written apart from the library: canonical distances by their definition, sorted by (distance, label). */
import type { Metric } from '../../src/index/vector-index.ts';

const f = Math.fround;

export function normalised(x: Float32Array): Float32Array {
  let sum = 0;
  for (const v of x) sum += v * v;
  const norm = Math.sqrt(sum);
  return x.map((v) => v / norm);
}

export function canonicalDistance(metric: Metric, a: Float32Array, b: Float32Array): number {
  const width = Math.ceil(a.length / 16) * 16;
  let lanes = new Array<number>(16).fill(0);
  for (let i = 0; i < width; i++) {
    const x = a[i] ?? 0;
    const y = b[i] ?? 0;
    const term = metric === 'l2' ? f(f(x - y) * f(x - y)) : f(x * y);
    lanes[i % 16] = f(lanes[i % 16]! + term);
  }
  while (lanes.length > 1) lanes = lanes.slice(0, lanes.length / 2).map((v, i) => f(v + lanes[lanes.length / 2 + i]!));
  const sum = lanes[0]!;
  const distance = metric === 'l2' ? sum : metric === 'ip' ? f(0 - sum) : f(1 - sum);
  return distance === 0 ? 0 : distance;
}

/** All rows by (distance, label) for one query; rows and query as given, not yet normalised. */
export function ranked(metric: Metric, rows: readonly { label: number; vector: Float32Array }[], query: Float32Array) {
  const q = metric === 'cosine' ? normalised(query) : query;
  return rows
    .map(({ label, vector }) => ({ label, distance: canonicalDistance(metric, q, metric === 'cosine' ? normalised(vector) : vector) }))
    .sort((a, b) => a.distance - b.distance || a.label - b.label);
}

export function rowsOf(vectors: Float32Array, dim: number): Float32Array[] {
  return Array.from({ length: vectors.length / dim }, (_, i) => vectors.slice(i * dim, (i + 1) * dim));
}

/** Synthetic vectors that look like embeddings to an index: clusters, a low intrinsic dimension, and a little noise. */

/** Clusters live in so many dimensions, which a random linear map then spreads over all. */
const LATENT = 24;
const ROWS_PER_CLUSTER = 500;
/** Standard deviations: of clusters' members against that of their centres (1), and of the noise in every dimension. */
const SPREAD = 0.6;
const NOISE = 0.05;

/** What made-up vectors do not show; said wherever they stand in for real ones. */
export const HIDDEN =
  'made-up vectors have clusters of one size and shape: real ones are harder here and easier there, so tune on your own before you rely on it';

interface Clustered {
  readonly base: Float32Array;
  readonly queries: Float32Array;
}

/** `n` rows and `nq` other members of the same clusters, the same for the same seed on every machine. */
export function clustered(n: number, nq: number, dim: number, seed = 1): Clustered {
  const normal = normals(seed);
  const latent = Math.min(LATENT, dim);
  const scales = Float64Array.from({ length: latent }, (_, j) => 1 / Math.sqrt(1 + j / 6));
  const map = Float32Array.from({ length: dim * latent }, (_, i) => (normal() * scales[i % latent]!) / Math.sqrt(latent));
  const clusters = Math.max(1, Math.ceil(n / ROWS_PER_CLUSTER));
  const centres = Float32Array.from({ length: clusters * latent }, normal);
  const point = new Float32Array(latent);
  const fill = (count: number) => {
    const rows = new Float32Array(count * dim);
    for (let row = 0; row < count; row++) {
      const centre = Math.floor(normal.uniform() * clusters) * latent;
      for (let j = 0; j < latent; j++) point[j] = centres[centre + j]! + SPREAD * normal();
      for (let i = 0; i < dim; i++) {
        let sum = NOISE * normal();
        for (let j = 0; j < latent; j++) sum += map[i * latent + j]! * point[j]!;
        rows[row * dim + i] = sum;
      }
    }
    return rows;
  };
  return { base: fill(n), queries: fill(nq) };
}

/** Nearly normal numbers, as the sum of twelve bytes of a xorshift generator: integers only, so alike everywhere. */
function normals(seed: number): (() => number) & { uniform(): number } {
  let state = seed * 0x9e3779b9 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  const bytes = (word: number) => (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
  // twelve bytes: mean 12 · 127.5, variance 12 · (256² − 1) / 12
  const normal = () => (bytes(next()) + bytes(next()) + bytes(next()) - 1530) / 255.998;
  return Object.assign(normal, { uniform: () => next() / 2 ** 32 });
}

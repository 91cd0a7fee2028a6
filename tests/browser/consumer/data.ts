/** Whole numbers from a seed, as a user might make them for a try. */
export function vectors(n: number, dim: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: n * dim }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** splitmix32's finaliser: integers only, so it is the same in every engine. */
function mixed(state: number): number {
  let z = state;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** A seeded stream of u32s (splitmix32). */
function randomWords(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    return mixed(state);
  };
}

/** The u32 that a seed gives to a number: a hash of both. */
export function randomWord(seed: number, n: number): number {
  return mixed((mixed(seed) + Math.imul(n, 0x9e3779b9)) >>> 0);
}

/** Seeded numbers in [0, 1) with 32 bits: a u32 times 2^-32, which is exact. */
export function randomUniforms(seed: number): () => number {
  const next = randomWords(seed);
  return () => next() * 2 ** -32;
}

/** From which size of batch on a GPU answers sooner than the CPU, measured on the index itself. */
import type { SearchOptions, VectorIndex } from '../index/vector-index.ts';

/** Queries per second by the size of batches, on both; and where they cross. */
export interface Crossing {
  readonly cpu: Readonly<Record<string, number>>;
  readonly gpu: Readonly<Record<string, number>>;
  /** The smallest batch that was tried from which on the GPU is faster; null where it is not with the largest. */
  readonly from: number | null;
}

const BATCHES = [1, 4, 16, 64, 256, 1024, 4096];
/** Each batch is searched so often on each, taking turns; the fastest tells what can be had. */
const ROUNDS = 3;
/** Milliseconds of a batch beyond which larger ones are not tried: a driver in software takes that long. */
const TOO_LONG = 2000;

export interface Lanes {
  readonly cpu: VectorIndex;
  readonly gpu: VectorIndex;
}

/** `queries` f32 [nq, dim], asked again from the first on where a batch is larger. `now` in milliseconds. */
export async function measureCrossing(lanes: Lanes, queries: Float32Array, options: SearchOptions, now: () => number): Promise<Crossing> {
  const rates = { cpu: {} as Record<string, number>, gpu: {} as Record<string, number> };
  for (const batch of BATCHES) {
    const rows = repeated(queries, batch * lanes.cpu.dim);
    const best = { cpu: Infinity, gpu: Infinity };
    for (let round = 0; round < ROUNDS; round++) {
      for (const lane of ['cpu', 'gpu'] as const) {
        const started = now();
        await lanes[lane].search(rows, options);
        best[lane] = Math.min(best[lane], now() - started);
      }
      if (Math.max(best.cpu, best.gpu) > TOO_LONG) break;
    }
    for (const lane of ['cpu', 'gpu'] as const) rates[lane][batch] = (1000 * batch) / best[lane];
    if (Math.max(best.cpu, best.gpu) > TOO_LONG) break;
  }
  return { ...rates, from: crossing(rates.cpu, rates.gpu) };
}

/** The smallest size from which on the GPU's rate is the larger one. */
function crossing(cpu: Readonly<Record<string, number>>, gpu: Readonly<Record<string, number>>): number | null {
  let from: number | null = null;
  for (const batch of Object.keys(cpu)
    .map(Number)
    .sort((a, b) => b - a)) {
    if (gpu[batch]! <= cpu[batch]!) break;
    from = batch;
  }
  return from;
}

function repeated(queries: Float32Array, length: number): Float32Array {
  const out = new Float32Array(length);
  for (let at = 0; at < length; at += queries.length) out.set(queries.subarray(0, Math.min(queries.length, length - at)), at);
  return out;
}

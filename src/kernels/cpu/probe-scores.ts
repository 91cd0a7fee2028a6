import { NONE } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';

interface ProbeScoresViews {
  queries: Uint32Array;
  centroids: Uint32Array;
  probes: Uint32Array;
  scores: Float64Array;
}

/** Specification of the kernel `probe-scores`. */
export function probeScoresTwin(
  { queries, centroids, probes, scores }: ProbeScoresViews,
  { nq, nprobe, words, squared }: ParamsOf<'nq' | 'nprobe' | 'words' | 'squared'>,
): void {
  const valuesOf = (array: Uint32Array, row: number) => new Int16Array(array.slice(row * words, (row + 1) * words).buffer);
  for (let i = 0; i < nq * nprobe; i++) {
    const list = probes[i]!;
    if (list === NONE) {
      scores[i] = 0;
      continue;
    }
    const query = valuesOf(queries, Math.floor(i / nprobe));
    const centroid = valuesOf(centroids, list);
    scores[i] = query.reduce((sum, q, j) => sum + (squared ? (q - centroid[j]!) ** 2 : -q * centroid[j]!), 0);
  }
}

import { NONE } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';
import { Scorer } from './graph-score.ts';

const NO_KEY = 0x7fffffff;
/** Words of a job: first position, first key, term of the probe, shift of row terms. */
const JOB = 4;

interface ProbeScanViews {
  queries: Uint32Array;
  codes: Int8Array;
  rowTerms: Int32Array;
  rows: Uint32Array;
  mask: Uint32Array;
  jobs: Uint32Array;
  keys: Int32Array;
  ids: Uint32Array;
}

/** Specification of the kernel `probe-scan`. */
export function probeScanTwin(
  { queries, codes, rowTerms, rows, mask, jobs, keys, ids }: ProbeScanViews,
  { nq, nprobe, form, stride, queryWords, withTerms, m }: ParamsOf<'nq' | 'nprobe' | 'form' | 'stride' | 'queryWords' | 'withTerms' | 'm'>,
): void {
  const scorer = new Scorer(codes, stride, form);
  for (let q = 0; q < nq; q++) {
    const query = new Int8Array(queries.buffer, queries.byteOffset + 4 * q * queryWords, 4 * queryWords);
    keys.fill(NO_KEY, q * m, (q + 1) * m);
    ids.fill(NONE, q * m, (q + 1) * m);
    for (let p = 0; p < nprobe; p++) {
      const job = (q * (nprobe + 1) + p) * JOB;
      const [first, begin, term, shift, , end] = jobs.subarray(job, job + 2 * JOB) as unknown as number[];
      for (let i = begin!; i < end!; i++) {
        const position = first! + i - begin!;
        const id = rows[position]!;
        if (!((mask[id >>> 5]! >>> (id & 31)) & 1)) continue;
        const rowTerm = withTerms ? rowTerms[position]! >> shift! : 0;
        keys[q * m + i] = (term! + rowTerm + scorer.key(query, 0, position)) | 0;
        ids[q * m + i] = id;
      }
    }
  }
}

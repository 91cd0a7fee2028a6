import { type Codebooks, centroidScore } from '../pq.ts';

/** The largest sum that the entries of a table may have, and the largest entry. */
const MOST = 65_535;

/** Specification of the kernel `pq-tables`. */
export function pqTablesTwin(
  { queries, tables, shifts, ...codebooks }: Codebooks & { queries: Uint32Array; tables: Uint32Array; shifts: Uint32Array },
  params: Record<'nq' | 'm' | 'pairs' | 'ksub' | 'weight' | 'leastShift', number>,
): void {
  const { nq, m, ksub, leastShift } = params;
  const entries = new Uint16Array(m * ksub);
  for (let q = 0; q < nq; q++) {
    const scores = Array.from({ length: m }, (_, sub) =>
      Int32Array.from({ length: ksub }, (_, c) => centroidScore(queries, q, codebooks, sub, c, params)),
    );
    const lows = scores.map((of) => of.reduce((a, b) => Math.min(a, b)));
    const spans = scores.map((of, sub) => of.reduce((a, b) => Math.max(a, b)) - lows[sub]!);
    const shift = shiftOf(spans, leastShift);
    for (let i = 0; i < m * ksub; i++) {
      const sub = Math.floor(i / ksub);
      entries[i] = Math.min(MOST, (scores[sub]![i % ksub]! - lows[sub]!) >>> shift);
    }
    for (let i = 0; i < entries.length; i += 2) tables[(q * entries.length + i) / 2] = entries[i]! + entries[i + 1]! * 65_536;
    shifts[q] = shift;
  }
}

/** The smallest shift, `least` to 31, under which the spans sum to MOST at most; 31 where none does. */
function shiftOf(spans: readonly number[], least: number): number {
  let shift = least;
  while (shift < 31 && spans.reduce((sum, span) => sum + (span >>> shift), 0) > MOST) shift++;
  return shift;
}

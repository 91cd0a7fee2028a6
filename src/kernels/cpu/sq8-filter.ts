import { BLOCK_ROWS, passBlock } from '../panels.ts';
import { panelDot } from './sq8-scan.ts';

type FilterParams = Record<'nq' | 'words' | 'form' | 'step' | 'skip' | 'first' | 'blocks' | 'capacity', number>;

interface FilterViews {
  queries: Int8Array;
  codes: Int8Array;
  rowTerms: Int32Array;
  slacks: Uint32Array;
  mask: Uint32Array;
  bounds: Uint32Array;
  pairs: Uint32Array;
  count: Uint32Array;
}

/** Specification of the kernel `sq8-filter`: the same pairs in any order; `count` may pass `capacity`, pairs never do. */
export function sq8FilterTwin(views: FilterViews, params: FilterParams): void {
  const { queries, codes, rowTerms, slacks, mask, bounds, pairs, count } = views;
  const { nq, words, form, step, skip, first, blocks, capacity } = params;
  for (let i = 0; i < blocks * BLOCK_ROWS; i++) {
    const row = passBlock(first + Math.floor(i / BLOCK_ROWS), step, skip) * BLOCK_ROWS + (i % BLOCK_ROWS);
    if (!((mask[row >>> 5]! >>> (row & 31)) & 1)) continue;
    for (let q = 0; q < nq; q++) {
      const dot = panelDot(queries, q, codes, row, words);
      const bound = bounds.subarray(4 * q, 4 * q + 4);
      const kept = form === 0 ? keptByL2(dot, rowTerms[row]!, slacks[row]!, bound) : keptByIp(dot, rowTerms[row]!, slacks[row]!, bound);
      if (!kept) continue;
      const slot = count[0]!++;
      if (slot < capacity) pairs.set([q, row], 2 * slot);
    }
  }
}

/** Keeps unless 16 · |q̂ − x̂|² > (T + A)², all in code units, T and A in quarters of one. */
function keptByL2(dot: number, rowTerm: number, slack: number, bound: Uint32Array): boolean {
  const squared = (bound[0]! | 0) + rowTerm - 4 * dot;
  const reach = Math.min(65535, bound[1]! + (slack & 0xffff));
  return 16 * squared <= reach * reach;
}

/** Keeps unless q̂ · x̂ + slack < K, with slack = ⌊(P·A + Q·B) / 16⌋ + 1. */
function keptByIp(dot: number, rowTerm: number, slack: number, bound: Uint32Array): boolean {
  const threshold = bound[0]! | 0;
  const a = slack & 0xffff;
  if (a === 65535) return true;
  const reach = Math.floor((bound[1]! * a + bound[2]! * (slack >>> 16)) / 16) + 1;
  return dot - rowTerm + reach >= threshold;
}

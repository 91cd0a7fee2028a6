// Links back to new nodes: see src/kernels/graph-join.ts. The layout of scratch is that of selectScratchWords in graph.ts.
import { candidateOf, choose, sortCandidates } from './graph-choose';
import { allLinks, rowOf } from './graph-links';
import { openQuery, scoreList, termOf } from './graph-score';
import { giveSlot, takeSlot } from './slots';

export function graphJoin(
  codes: usize, links: usize, pages: usize, upperRows: usize, targets: usize, offsets: usize, sources: usize,
  joined: usize, scratch: usize,
  t: i32, stride: i32, form: i32, degree: i32, basePages: i32, level: i32, most: i32, slots: i32, slotWords: i32,
  begin: i32, end: i32,
): void {
  const slot = takeSlot(scratch, slots, slotWords);
  const wide = slot + 64;
  const sorted = wide + (<usize>stride << 1);
  for (let i = begin; i < end; i++) {
    const target = load<u32>(targets + (<usize>i << 2));
    const first = load<u32>(offsets + (<usize>i << 2));
    const added = <i32>(load<u32>(offsets + (<usize>i << 2), 4) - first);
    const out = joined + ((<usize>i * <usize>degree) << 2);
    memory.fill(out, 0xff, <usize>degree << 2);
    const old = allLinks(rowOf(links, pages, upperRows, degree, basePages, target, level), degree, out);
    if (old + added <= most) {
      memory.copy(out + (<usize>old << 2), sources + (<usize>first << 2), <usize>added << 2);
      continue;
    }
    const count = old + added;
    // Lists of ids and of keys lie where the sorted entries and the chosen ids come to lie after them.
    const list = sorted + (((<usize>(count + 2) << 3) + 63) & ~63);
    const keys = list + (<usize>(count + 4) << 2);
    memory.copy(list, out, <usize>old << 2);
    memory.copy(list + (<usize>old << 2), sources + (<usize>first << 2), <usize>added << 2);
    const query = openQuery(codes + <usize>target * <usize>stride, wide, stride, form);
    scoreList(query, codes, stride, form, list, count, keys);
    const term = termOf(codes, stride, form, target);
    for (let j = 0; j < count; j++) {
      const at = <usize>j << 2;
      store<u64>(sorted + (<usize>j << 3), candidateOf(load<i32>(keys + at) + term, load<u32>(list + at)));
    }
    sortCandidates(sorted, count);
    const size = choose(codes, stride, form, sorted, count, most, list, wide);
    memory.copy(out, list, <usize>size << 2);
    memory.fill(out + (<usize>size << 2), 0xff, <usize>(degree - size) << 2);
  }
  giveSlot(slot);
}

// Links of new nodes: see src/kernels/graph-select.ts. The layout of scratch is that of selectScratchWords in graph.ts.
import { candidateOf, choose } from './graph-choose';
import { NONE } from './graph-links';
import { termOf } from './graph-score';
import { giveSlot, takeSlot } from './slots';

export function graphSelect(
  codes: usize, nodes: usize, keys: usize, candidates: usize, chosen: usize, scratch: usize,
  m: i32, stride: i32, form: i32, ef: i32, most: i32, slots: i32, slotWords: i32,
  begin: i32, end: i32,
): void {
  const slot = takeSlot(scratch, slots, slotWords);
  const wide = slot + 64;
  const sorted = wide + (<usize>stride << 1);
  const taken = sorted + (((<usize>(ef + 2) << 3) + 63) & ~63);
  for (let i = begin; i < end; i++) {
    const term = termOf(codes, stride, form, load<u32>(nodes + (<usize>i << 2)));
    const list = <usize>i * <usize>ef;
    let count = 0;
    for (; count < ef; count++) {
      const at = (list + <usize>count) << 2;
      const id = load<u32>(candidates + at);
      if (id == NONE) break;
      store<u64>(sorted + (<usize>count << 3), candidateOf(load<i32>(keys + at) + term, id));
    }
    const size = choose(codes, stride, form, sorted, count, most, taken, wide);
    const out = chosen + ((<usize>i * <usize>most) << 2);
    memory.copy(out, taken, <usize>size << 2);
    memory.fill(out + (<usize>size << 2), 0xff, <usize>(most - size) << 2);
  }
  giveSlot(slot);
}

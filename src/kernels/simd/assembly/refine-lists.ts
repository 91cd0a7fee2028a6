// The k best of a list by (canonical distance, label): see src/kernels/refine-lists.ts. Scratch holds the sorted list while it
// grows, as u64 entries: the label in the low word, the distance's ordered bits with the sign flipped above it.
import { dot, squaredL2 } from './canonical-distances';
import { NONE } from './graph-links';
import { fromOrderedBits, orderedBits, touchRow } from './graph-score';
import { giveSlot, takeSlot } from './slots';

const AHEAD: i32 = 2;
const FLIP: u64 = 0x8000000000000000;
/** Label −1 at +Infinity. */
const NOTHING: u64 = 0xff800000ffffffff;

export function refineLists(
  queries: usize, vectors: usize, codes: usize, shift: usize, lists: usize, labels: usize, best: usize, distances: usize, scratch: usize,
  nq: i32, width: i32, metric: i32, listStride: i32, listLength: i32, k: i32, coded: i32, dim: i32, stride: i32, step: i32, slots: i32, slotWords: i32,
  begin: i32, end: i32,
): void {
  const slot = takeSlot(scratch, slots, slotWords);
  const bytes = <usize>width << 2;
  const decoded = slot + 64;
  const sorted = decoded + bytes;
  const codeStep = reinterpret<f32>(step);
  for (let q = begin; q < end; q++) {
    const query = queries + <usize>q * bytes;
    const list = lists + ((<usize>q * <usize>listStride) << 2);
    let size = 0;
    for (let i = 0; i < listLength; i++) {
      const id = load<u32>(list + (<usize>i << 2));
      if (id == NONE) break;
      if (!coded && i + AHEAD < listLength) {
        const ahead = load<u32>(list + (<usize>(i + AHEAD) << 2));
        if (ahead != NONE) touchRow(vectors + <usize>ahead * bytes, bytes);
      }
      const row = coded ? decode(codes + <usize>id * <usize>stride, shift, codeStep, dim, decoded) : vectors + <usize>id * bytes;
      const distance = (metric == 0 ? squaredL2(query, row, bytes) : <f32>(metric == 1 ? 0 : 1) - dot(query, row, bytes)) + <f32>0;
      const entry = ((<u64>(<u32>orderedBits(distance)) << 32) ^ FLIP) | <u64>load<u32>(labels + (<usize>id << 2));
      if (size == k && entry >= load<u64>(sorted + (<usize>(size - 1) << 3))) continue;
      if (size < k) size++;
      insert(sorted, size - 1, entry);
    }
    let out = (<usize>q * <usize>k) << 2;
    for (let i = 0; i < k; i++, out += 4) {
      const entry = i < size ? load<u64>(sorted + (<usize>i << 3)) : NOTHING;
      store<u32>(best + out, <u32>entry);
      store<f32>(distances + out, fromOrderedBits(<i32>((entry ^ FLIP) >> 32)));
    }
  }
  giveSlot(slot);
}

/** Into a sorted list of `size` entries whose place `size` is free, by bisection. */
// @ts-ignore: decorator
@inline
function insert(list: usize, size: i32, entry: u64): void {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u64>(list + (<usize>middle << 3)) < entry) low = middle + 1;
    else high = middle;
  }
  const place = list + (<usize>low << 3);
  memory.copy(place + 8, place, <usize>(size - low) << 3);
  store<u64>(place, entry);
}

/** x̂[j] = f32(shift[j] + f32(c[j] · step)) for j below dim; what lies behind is zero from the start. */
function decode(row: usize, shift: usize, step: f32, dim: i32, out: usize): usize {
  for (let j = 0; j < dim; j++) {
    const at = <usize>j << 2;
    store<f32>(out + at, load<f32>(shift + at) + <f32>load<i8>(row + <usize>j) * step);
  }
  return out;
}

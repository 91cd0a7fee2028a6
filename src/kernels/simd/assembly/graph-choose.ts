// The neighbour-selection heuristic: see src/kernels/graph-select.ts and cpu/graph-select.ts.
import { keysOfFour, openQuery, termOf } from './graph-score';

/**
 * Chooses at most `most` of `count` candidates. `sorted` holds u64 entries: distance with its sign bit flipped, then id;
 * `chosen` has room for most + 3 ids. Returns how many were chosen.
 */
export function choose(codes: usize, stride: i32, form: i32, sorted: usize, count: i32, most: i32, chosen: usize, wide: usize): i32 {
  let size = 0;
  for (let i = 0; i < count && size < most; i++) {
    const entry = load<u64>(sorted + (<usize>i << 3));
    const id = <u32>entry;
    const distance = <i32>(<u32>(entry >> 32) ^ 0x80000000);
    if (size > 0 && hidden(codes, stride, form, id, distance, chosen, size, wide)) continue;
    store<u32>(chosen + (<usize>size << 2), id);
    size++;
  }
  return size;
}

/** Whether a chosen node is nearer to the candidate than the node is that links are chosen for, or both are its copies. */
function hidden(codes: usize, stride: i32, form: i32, id: u32, distance: i32, chosen: usize, size: i32, wide: usize): bool {
  const row = openQuery(codes + <usize>id * <usize>stride, wide, stride, form);
  const terms = i32x4.splat(termOf(codes, stride, form, id));
  // Copies are nearer than 1 where integers are distances; in f32 forms 0 has the ordered bits 0.
  const limit = i32x4.splat(distance == 0 ? 1 : distance);
  const last = load<u32>(chosen + (<usize>(size - 1) << 2));
  for (let i = size; i & 3; i++) store<u32>(chosen + (<usize>i << 2), last);
  for (let i = 0; i < size; i += 4) {
    const between = i32x4.add(terms, keysOfFour(row, codes, stride, form, chosen + (<usize>i << 2)));
    if (v128.any_true(i32x4.lt_s(between, limit))) return true;
  }
  return false;
}

// @ts-ignore: decorator
@inline
export function candidateOf(distance: i32, id: u32): u64 {
  return (<u64>(<u32>distance ^ 0x80000000) << 32) | <u64>id;
}

/** Sorts `count` u64 entries in place, ascending: a heap sort, since a hub may be chosen by thousands at once. */
export function sortCandidates(entries: usize, count: i32): void {
  for (let i = (count >> 1) - 1; i >= 0; i--) sink(entries, i, count);
  for (let end = count - 1; end > 0; end--) {
    const at = entries + (<usize>end << 3);
    const largest = load<u64>(entries);
    store<u64>(entries, load<u64>(at));
    store<u64>(at, largest);
    sink(entries, 0, end);
  }
}

// @ts-ignore: decorator
@inline
function sink(entries: usize, from: i32, count: i32): void {
  const moved = load<u64>(entries + (<usize>from << 3));
  let at = from;
  while (true) {
    let child = 2 * at + 1;
    if (child >= count) break;
    const left = entries + (<usize>child << 3);
    if (child + 1 < count && load<u64>(left, 8) > load<u64>(left)) child++;
    const larger = load<u64>(entries + (<usize>child << 3));
    if (larger <= moved) break;
    store<u64>(entries + (<usize>at << 3), larger);
    at = child;
  }
  store<u64>(entries + (<usize>at << 3), moved);
}

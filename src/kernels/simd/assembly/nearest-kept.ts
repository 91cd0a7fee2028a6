// The nearest rows found so far: `keep` u64 entries, the key with its sign bit flipped above the id. There are always so many: at first
// entries that stand for nothing, key 0x7fffffff and id NONE, which are behind every real one. A few are kept sorted; many, which would
// take long to move, are a heap with the last one on top, and sorted at the end.

/** Entries that are kept sorted, at most. */
const MOST_SORTED = 512;

/** Bytes that `keep` entries take, with room for what is pushed out. */
// @ts-ignore: decorator
@inline
export function keptBytes(keep: i32): usize {
  return ((<usize>(keep + 1) << 3) + 63) & ~63;
}

// @ts-ignore: decorator
@inline
export function openKept(kept: usize, keep: i32): void {
  memory.fill(kept, 0xff, <usize>keep << 3);
}

// @ts-ignore: decorator
@inline
export function keptOf(key: i32, id: u32): u64 {
  return (<u64>(<u32>key ^ 0x80000000) << 32) | <u64>id;
}

/** The key behind which nothing enters. */
// @ts-ignore: decorator
@inline
export function lastKey(kept: usize, keep: i32): i32 {
  const last = keep > MOST_SORTED ? kept : kept + (<usize>(keep - 1) << 3);
  return load<i32>(last + 4) ^ 0x80000000;
}

/** Takes a row in if it is near enough; returns `lastKey` after it. */
export function offer(kept: usize, keep: i32, key: i32, id: u32): i32 {
  const entry = keptOf(key, id);
  if (keep > MOST_SORTED) {
    if (entry < load<u64>(kept)) sink(kept, <usize>keep, entry);
    return lastKey(kept, keep);
  }
  const last = kept + (<usize>(keep - 1) << 3);
  if (entry < load<u64>(last)) {
    let low: usize = 0;
    let length = <usize>(keep - 1);
    while (length > 0) {
      const half = length >> 1;
      const middle = low + half;
      const less = load<u64>(kept + (middle << 3)) < entry;
      low = select<usize>(middle + 1, low, less);
      length = select<usize>(length - half - 1, half, less);
    }
    const place = kept + (low << 3);
    memory.copy(place + 8, place, last - place);
    store<u64>(place, entry);
  }
  return lastKey(kept, keep);
}

/** Puts an entry in the place of the top of a heap of `size` entries. */
function sink(heap: usize, size: usize, entry: u64): void {
  let at: usize = 0;
  for (let child: usize = 1; child < size; child = 2 * at + 1) {
    let largest = load<u64>(heap + (child << 3));
    if (child + 1 < size) {
      const right = load<u64>(heap + (child << 3), 8);
      if (right > largest) {
        largest = right;
        child++;
      }
    }
    if (largest <= entry) break;
    store<u64>(heap + (at << 3), largest);
    at = child;
  }
  store<u64>(heap + (at << 3), entry);
}

/** Sorts a heap: what is on top goes behind the rest. */
function sortHeap(heap: usize, size: usize): void {
  for (let last = size - 1; last > 0; last--) {
    const entry = load<u64>(heap + (last << 3));
    store<u64>(heap + (last << 3), load<u64>(heap));
    sink(heap, last, entry);
  }
}

export function writeKept(kept: usize, keep: i32, keys: usize, ids: usize): void {
  if (keep > MOST_SORTED) sortHeap(kept, <usize>keep);
  for (let i: usize = 0; i < <usize>keep; i++) {
    const entry = load<u64>(kept + (i << 3));
    store<i32>(keys + (i << 2), <i32>(<u32>(entry >> 32) ^ 0x80000000));
    store<u32>(ids + (i << 2), <u32>entry);
  }
}

// The nearest rows found so far: a sorted array of `keep` u64 entries, the key with its sign bit flipped above the id. It begins
// full of entries that stand for nothing, key 0x7fffffff and id NONE, which are behind every real one.

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
  return load<i32>(kept + (<usize>keep << 3) - 4) ^ 0x80000000;
}

/** Takes a row in if it is near enough; returns `lastKey` after it. */
export function offer(kept: usize, keep: i32, key: i32, id: u32): i32 {
  const entry = keptOf(key, id);
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

export function writeKept(kept: usize, keep: i32, keys: usize, ids: usize): void {
  for (let i: usize = 0; i < <usize>keep; i++) {
    const entry = load<u64>(kept + (i << 3));
    store<i32>(keys + (i << 2), <i32>(<u32>(entry >> 32) ^ 0x80000000));
    store<u32>(ids + (i << 2), <u32>entry);
  }
}

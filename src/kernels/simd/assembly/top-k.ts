const SEGMENT: i32 = 1024;
const NO_KEY: i32 = 0x7fffffff;
const NO_ID: i32 = -1;

// Insertion into the sorted output: after the first few keys almost none enters.
export function topK(
  keys: usize, ids: usize, topKeys: usize, topIds: usize,
  nq: i32, m: i32, k: i32, implicit: i32,
  begin: i32, end: i32,
): void {
  const segments = (m + SEGMENT - 1) / SEGMENT;
  for (let item = begin; item < end; item++) {
    const q = item / segments;
    const first = (item % segments) * SEGMENT;
    const from = <usize>q * <usize>m;
    const outKeys = topKeys + ((<usize>item * <usize>k) << 2);
    const outIds = topIds + ((<usize>item * <usize>k) << 2);
    let held = 0;
    for (let i = first, stop = min(first + SEGMENT, m); i < stop; i++) {
      const key = load<i32>(keys + ((from + <usize>i) << 2));
      const id = implicit ? <u32>i : load<u32>(ids + ((from + <usize>i) << 2));
      if (held == k) {
        const last = <usize>(k - 1) << 2;
        if (!before(key, id, load<i32>(outKeys + last), load<u32>(outIds + last))) continue;
        held--;
      }
      let at = held;
      while (at > 0) {
        const above = <usize>(at - 1) << 2;
        const otherKey = load<i32>(outKeys + above);
        const otherId = load<u32>(outIds + above);
        if (!before(key, id, otherKey, otherId)) break;
        store<i32>(outKeys + above, otherKey, 4);
        store<u32>(outIds + above, otherId, 4);
        at--;
      }
      store<i32>(outKeys + (<usize>at << 2), key);
      store<u32>(outIds + (<usize>at << 2), id);
      held++;
    }
    for (; held < k; held++) {
      store<i32>(outKeys + (<usize>held << 2), NO_KEY);
      store<i32>(outIds + (<usize>held << 2), NO_ID);
    }
  }
}

// @ts-ignore: decorator
@inline
function before(keyA: i32, idA: u32, keyB: i32, idB: u32): bool {
  return keyA < keyB || (keyA == keyB && idA < idB);
}

// One whole query per item: see src/kernels/graph-search.ts. What this waits for is memory, not arithmetic: the lines of a
// node's neighbours are touched while its links are read, those of the link row that is likely next before they are scored.
//
// The beam is a sorted array of u64 entries: the key with its sign bit flipped, then id · 2, then one bit for "its links
// were followed". Without that bit entries compare as (key, id) do.
import { allLinks, NO_ROW, NONE, rowOf, touchLinks } from './graph-links';
import { openedBytes, openQuery, queryStride, scoreList, touchRow } from './graph-score';
import { giveSlot, takeSlot } from './slots';

const EXPANDED: u64 = 1;

export function graphSearch(
  queries: usize, codes: usize, links: usize, pages: usize, upperRows: usize, admitted: usize,
  keys: usize, ids: usize, stats: usize, scratch: usize,
  nq: i32, n: i32, stride: i32, form: i32, degree: i32, basePages: i32,
  entry: i32, entryLevel: i32, level: i32, ef: i32, filtered: i32, slots: i32, slotWords: i32,
  begin: i32, end: i32,
): void {
  const slot = takeSlot(scratch, slots, slotWords);
  // The layout of searchScratchWords in src/kernels/graph.ts.
  const visited = slot + 64;
  const visitedBytes = (((<usize>n + 7) >> 3) + 63) & ~63;
  const opened = visited + visitedBytes;
  const list = opened + openedBytes(form, stride);
  const listBytes = ((<usize>(degree + 4) << 2) + 63) & ~63;
  const listKeys = list + listBytes;
  const beam = listKeys + listBytes;
  const queryBytes = queryStride(form, stride);
  for (let q = begin; q < end; q++) {
    const query = openQuery(queries + <usize>q * queryBytes, opened, stride, form);
    const found = stats + (<usize>q << 3);
    store<u32>(list, entry);
    scoreList(query, codes, stride, form, list, 1, listKeys);
    let nearest = entryOf(load<i32>(listKeys), <u32>entry);
    store<u32>(found, 0);
    store<u32>(found, 1, 4);
    for (let above = entryLevel; above > level; above--) {
      nearest = descend(query, codes, stride, form, links, pages, upperRows, degree, basePages, above, nearest, list, listKeys, found);
    }
    memory.fill(visited, 0, visitedBytes);
    const size = walk(
      query, codes, stride, form, links, pages, upperRows, degree, basePages, level,
      nearest, ef, filtered ? admitted : 0, visited, list, listKeys, beam, found,
    );
    writeResults(beam, size, filtered ? admitted : 0, ef, keys + ((<usize>q * <usize>ef) << 2), ids + ((<usize>q * <usize>ef) << 2));
  }
  giveSlot(slot);
}

/** Greedy steps on one level: to the nearest neighbour as long as it is nearer. Returns the nearest as a beam entry. */
function descend(
  query: usize, codes: usize, stride: i32, form: i32,
  links: usize, pages: usize, upperRows: usize, degree: i32, basePages: i32, level: i32,
  start: u64, list: usize, listKeys: usize, found: usize,
): u64 {
  let nearest = start;
  let from: u64 = 0;
  do {
    from = nearest;
    const m = allLinks(rowOf(links, pages, upperRows, degree, basePages, idOf(from), level), degree, list);
    store<u32>(found, load<u32>(found) + 1);
    if (m == 0) break;
    store<u32>(found, load<u32>(found, 4) + m, 4);
    for (let i = 0; i < m; i++) touchRow(codes + <usize>load<u32>(list + (<usize>i << 2)) * <usize>stride, stride);
    scoreList(query, codes, stride, form, list, m, listKeys);
    for (let i = 0; i < m; i++) {
      const at = <usize>i << 2;
      const one = entryOf(load<i32>(listKeys + at), load<u32>(list + at));
      if (one < nearest) nearest = one;
    }
  } while (nearest != from);
  return nearest;
}

/** Fills the beam from one node on; returns how many entries it holds. `admitted` is 0 where every node may be returned. */
function walk(
  query: usize, codes: usize, stride: i32, form: i32,
  links: usize, pages: usize, upperRows: usize, degree: i32, basePages: i32, level: i32,
  start: u64, ef: i32, admitted: usize, visited: usize, list: usize, listKeys: usize, beam: usize, found: usize,
): i32 {
  const capacity = admitted ? ef << 2 : ef;
  let hops = 0;
  let distances = 0;
  let size = 1;
  let returnable = mayReturn(admitted, idOf(start));
  store<u64>(beam, start);
  store<u8>(visited + (idOf(start) >> 3), <u8>1 << <u8>(idOf(start) & 7));
  let next: usize = beam; // no entry before it waits to be expanded
  let row = rowOf(links, pages, upperRows, degree, basePages, idOf(start), level);
  while (row != NO_ROW) {
    store<u64>(next, load<u64>(next) | EXPANDED);
    hops++;
    const m = freshLinks(row, degree, visited, codes, stride, list);
    next = nextUnexpanded(next + 8, beam + (<usize>size << 3));
    const likely = next < beam + (<usize>size << 3) ? rowOf(links, pages, upperRows, degree, basePages, idOf(load<u64>(next)), level) : NO_ROW;
    if (likely != NO_ROW) touchLinks(likely, degree);
    if (m > 0) {
      distances += m;
      scoreList(query, codes, stride, form, list, m, listKeys);
      let last = load<u64>(beam + (<usize>(size - 1) << 3)) & ~EXPANDED;
      let full = returnable == ef || size == capacity;
      for (let i = 0; i < m; i++) {
        const at = <usize>i << 2;
        const id = load<u32>(list + at);
        const one = entryOf(load<i32>(listKeys + at), id);
        if (full && one >= last) continue;
        const place = insert(beam, size, one);
        if (place < next) {
          next = place;
          touchLinks(rowOf(links, pages, upperRows, degree, basePages, id, level), degree);
        }
        size++;
        if (admitted) {
          returnable += mayReturn(admitted, id);
          if (size > capacity) {
            size--;
            returnable -= mayReturn(admitted, idOf(load<u64>(beam + (<usize>size << 3))));
          }
          while (returnable > ef) {
            size--;
            returnable -= mayReturn(admitted, idOf(load<u64>(beam + (<usize>size << 3))));
          }
          if (returnable == ef) while (!mayReturn(admitted, idOf(load<u64>(beam + (<usize>(size - 1) << 3))))) size--;
        } else {
          if (size > ef) size--;
          returnable = size;
        }
        full = returnable == ef || size == capacity;
        last = load<u64>(beam + (<usize>(size - 1) << 3)) & ~EXPANDED;
      }
    }
    const end = beam + (<usize>size << 3);
    next = nextUnexpanded(next, end);
    row = next < end ? rowOf(links, pages, upperRows, degree, basePages, idOf(load<u64>(next)), level) : NO_ROW;
  }
  store<u32>(found, load<u32>(found) + hops);
  store<u32>(found, load<u32>(found, 4) + distances, 4);
  return size;
}

// @ts-ignore: decorator
@inline
function entryOf(key: i32, id: u32): u64 {
  return (<u64>(<u32>key ^ 0x80000000) << 32) | (<u64>id << 1);
}

// @ts-ignore: decorator
@inline
function idOf(entry: u64): u32 {
  return <u32>entry >> 1;
}

// @ts-ignore: decorator
@inline
function nextUnexpanded(at: usize, end: usize): usize {
  while (at < end && load<u64>(at) & EXPANDED) at += 8;
  return at;
}

// @ts-ignore: decorator
@inline
function mayReturn(admitted: usize, id: u32): i32 {
  return admitted == 0 ? 1 : (load<u32>(admitted + (<usize>(id >> 5) << 2)) >> (id & 31)) & 1;
}

/**
 * Lists the links that were not visited yet and touches their rows; returns how many. Whether a link was visited is a coin
 * toss, so nothing branches on it.
 */
// @ts-ignore: decorator
@inline
function freshLinks(row: usize, degree: i32, visited: usize, codes: usize, stride: i32, list: usize): i32 {
  let m = 0;
  const end = row + (<usize>degree << 2);
  for (; row < end; row += 4) {
    const id = load<u32>(row);
    if (id == NONE) break;
    const at = visited + (id >> 3);
    const byte = load<u8>(at);
    store<u8>(at, byte | (<u8>1 << <u8>(id & 7)));
    store<u32>(list + (<usize>m << 2), id);
    m += 1 - ((byte >> <u8>(id & 7)) & 1);
  }
  for (let i = 0; i < m; i++) touchRow(codes + <usize>load<u32>(list + (<usize>i << 2)) * <usize>stride, stride);
  return m;
}

/** Puts an entry in its place by bisection, moving what is behind it; returns the place. */
// @ts-ignore: decorator
@inline
function insert(beam: usize, size: i32, one: u64): usize {
  // Which half it lies in is a coin toss too: `select` does not branch.
  let place = beam;
  let length = <usize>size;
  while (length > 0) {
    const half = length >> 1;
    const middle = place + (half << 3);
    const less = load<u64>(middle) < one;
    place = select<usize>(middle + 8, place, less);
    length = select<usize>(length - half - 1, half, less);
  }
  let at = beam + (<usize>size << 3);
  for (; at >= place + 16; at -= 16) v128.store(at - 8, v128.load(at - 16));
  if (at > place) store<u64>(at, load<u64>(at - 8));
  store<u64>(place, one);
  return place;
}

function writeResults(beam: usize, size: i32, admitted: usize, ef: i32, keys: usize, ids: usize): void {
  let found = 0;
  for (let i = 0; i < size; i++) {
    const entry = load<u64>(beam + (<usize>i << 3));
    if (!mayReturn(admitted, idOf(entry))) continue;
    store<i32>(keys + (<usize>found << 2), <i32>(<u32>(entry >> 32) ^ 0x80000000));
    store<u32>(ids + (<usize>found << 2), idOf(entry));
    found++;
  }
  memory.fill(keys + (<usize>found << 2), 0, <usize>(ef - found) << 2);
  memory.fill(ids + (<usize>found << 2), 0xff, <usize>(ef - found) << 2);
}

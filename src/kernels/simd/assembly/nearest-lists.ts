// As in nearest-centroid.ts: lanes run over centroids, four queries against eight of them at a time. Queries left over go alone.
// Behind its lock the slot has room for the keys of a tile.
import { keptBytes, lastKey, offer, openKept, writeKept } from './nearest-kept';
import { wordDot } from './pair-words';
import { giveSlot, takeSlot } from './slots';

const TILE: i32 = 8;
const TOGETHER: i32 = 4;

export function nearestLists(
  queries: usize, centroids: usize, terms: usize, keys: usize, ids: usize, scratch: usize,
  n: i32, pairs: i32, ksub: i32, weight: i32, keep: i32, slots: i32, slotWords: i32,
  begin: i32, end: i32,
): void {
  const slot = takeSlot(scratch, slots, slotWords);
  const kept = slot + 64;
  const apart = keptBytes(keep);
  const queryBytes = <usize>pairs << 2;
  const outBytes = <usize>keep << 2;
  for (let q = begin; q < end; ) {
    const query = queries + <usize>q * queryBytes;
    const count = end - q >= TOGETHER ? TOGETHER : 1;
    for (let i = 0; i < count; i++) openKept(kept + <usize>i * apart, keep);
    if (count == TOGETHER) four(query, centroids, terms, pairs, ksub, weight, slot + 16, kept, keep);
    else one(query, centroids, terms, pairs, ksub, weight, slot + 16, kept, keep);
    rest(query, centroids, terms, ksub & ~(TILE - 1), pairs, ksub, weight, kept, keep, count);
    for (let i = 0; i < count; i++, q++) {
      writeKept(kept + <usize>i * apart, keep, keys + <usize>q * outBytes, ids + <usize>q * outBytes);
    }
  }
  giveSlot(slot);
}

/** Four queries against the whole tiles of centroids. */
function four(query: usize, book: usize, terms: usize, pairs: i32, ksub: i32, weight: i32, room: usize, kept: usize, keep: i32): void {
  const weights = i32x4.splat(weight);
  const stride = <usize>ksub << 2;
  const words = <usize>pairs << 2;
  const b = query + words, c = b + words, d = c + words;
  const keptB = kept + keptBytes(keep), keptC = keptB + keptBytes(keep), keptD = keptC + keptBytes(keep);
  let lastA = lastKey(kept, keep), lastB = lastA, lastC = lastA, lastD = lastA;
  for (let first = 0; first + TILE <= ksub; first += TILE) {
    let tile = book + (<usize>first << 2);
    let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    for (let w: usize = 0; w < words; w += 4) {
      const x = v128.load(tile), y = v128.load(tile, 16);
      const wordA = v128.load32_splat(query + w);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, wordA));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(y, wordA));
      const wordB = v128.load32_splat(b + w);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, wordB));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, wordB));
      const wordC = v128.load32_splat(c + w);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, wordC));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(y, wordC));
      const wordD = v128.load32_splat(d + w);
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x, wordD));
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(y, wordD));
      tile += stride;
    }
    const t0 = v128.load(terms + (<usize>first << 2)), t1 = v128.load(terms + (<usize>first << 2), 16);
    lastA = offerTile(i32x4.sub(t0, i32x4.mul(weights, a0)), i32x4.sub(t1, i32x4.mul(weights, a1)), first, room, kept, keep, lastA);
    lastB = offerTile(i32x4.sub(t0, i32x4.mul(weights, b0)), i32x4.sub(t1, i32x4.mul(weights, b1)), first, room, keptB, keep, lastB);
    lastC = offerTile(i32x4.sub(t0, i32x4.mul(weights, c0)), i32x4.sub(t1, i32x4.mul(weights, c1)), first, room, keptC, keep, lastC);
    lastD = offerTile(i32x4.sub(t0, i32x4.mul(weights, d0)), i32x4.sub(t1, i32x4.mul(weights, d1)), first, room, keptD, keep, lastD);
  }
}

/** One query against them. */
function one(query: usize, book: usize, terms: usize, pairs: i32, ksub: i32, weight: i32, room: usize, kept: usize, keep: i32): void {
  const weights = i32x4.splat(weight);
  const stride = <usize>ksub << 2;
  const words = <usize>pairs << 2;
  let last = lastKey(kept, keep);
  for (let first = 0; first + TILE <= ksub; first += TILE) {
    let tile = book + (<usize>first << 2);
    let a0 = i32x4.splat(0), a1 = a0;
    for (let w: usize = 0; w < words; w += 4) {
      const word = v128.load32_splat(query + w);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.load(tile), word));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v128.load(tile, 16), word));
      tile += stride;
    }
    const t0 = v128.load(terms + (<usize>first << 2)), t1 = v128.load(terms + (<usize>first << 2), 16);
    last = offerTile(i32x4.sub(t0, i32x4.mul(weights, a0)), i32x4.sub(t1, i32x4.mul(weights, a1)), first, room, kept, keep, last);
  }
}

/** Offers the keys of eight centroids from `first` on; returns the key behind which nothing enters after them. */
function offerTile(keys0: v128, keys1: v128, first: i32, room: usize, kept: usize, keep: i32, last: i32): i32 {
  const bound = i32x4.splat(last);
  let near = i32x4.bitmask(i32x4.le_s(keys0, bound)) | (i32x4.bitmask(i32x4.le_s(keys1, bound)) << 4);
  if (near == 0) return last;
  v128.store(room, keys0);
  v128.store(room, keys1, 16);
  for (; near != 0; near &= near - 1) {
    const lane = ctz(near);
    last = offer(kept, keep, load<i32>(room + (<usize>lane << 2)), first + lane);
  }
  return last;
}

/** Queries against the centroids [first, ksub), which fill no tile. */
function rest(
  query: usize, book: usize, terms: usize, first: i32, pairs: i32, ksub: i32, weight: i32, kept: usize, keep: i32, count: i32,
): void {
  for (let i = 0; i < count; i++, query += <usize>pairs << 2, kept += keptBytes(keep)) {
    for (let c = first; c < ksub; c++) {
      let dot = 0;
      for (let p = 0; p < pairs; p++) dot += wordDot(load<i32>(query + (<usize>p << 2)), load<i32>(book + (<usize>(p * ksub + c) << 2)));
      offer(kept, keep, load<i32>(terms + (<usize>c << 2)) - weight * dot, c);
    }
  }
}

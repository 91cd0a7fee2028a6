// Lanes run over centroids: a word of a query, splatted, meets the same word of eight centroids, a tile, which lie side by side. A tile
// stays in the nearest cache while sixteen queries go by, four at a time. Behind its lock the slot has room for the keys of a tile.
import { keptBytes, lastKey, offer, openKept, writeKept } from './nearest-kept';
import { giveSlot, takeSlot } from './slots';

const TILE: i32 = 8;
const TOGETHER: i32 = 16;

export function nearestLists(
  queries: usize, centroids: usize, terms: usize, keys: usize, ids: usize, scratch: usize,
  n: i32, pairs: i32, tiles: i32, weight: i32, keep: i32, slots: i32, slotWords: i32,
  begin: i32, end: i32,
): void {
  const slot = takeSlot(scratch, slots, slotWords);
  const room = slot + 16;
  const kept = slot + 64;
  const apart = keptBytes(keep);
  const queryBytes = <usize>pairs << 2;
  const tileBytes = <usize>(pairs * TILE) << 2;
  const outBytes = <usize>keep << 2;
  for (let q = begin; q < end; q += TOGETHER) {
    const first = queries + <usize>q * queryBytes;
    const count = min(TOGETHER, end - q);
    for (let i = 0; i < count; i++) openKept(kept + <usize>i * apart, keep);
    let tile = centroids;
    for (let t = 0; t < tiles; t++, tile += tileBytes) {
      const tileTerms = terms + (<usize>(t * TILE) << 2);
      let i = 0;
      for (; i + 4 <= count; i += 4) {
        four(first + <usize>i * queryBytes, queryBytes, tile, tileTerms, weight, t * TILE, room, kept + <usize>i * apart, keep);
      }
      for (; i < count; i++) one(first + <usize>i * queryBytes, queryBytes, tile, tileTerms, weight, t * TILE, room, kept + <usize>i * apart, keep);
    }
    for (let i = 0; i < count; i++) {
      const out = <usize>(q + i) * outBytes;
      writeKept(kept + <usize>i * apart, keep, keys + out, ids + out);
    }
  }
  giveSlot(slot);
}

/** Four queries against a tile, whose first centroid is `id`. */
function four(a: usize, words: usize, tile: usize, terms: usize, weight: i32, id: i32, room: usize, kept: usize, keep: i32): void {
  const weights = i32x4.splat(weight);
  const b = a + words, c = b + words, d = c + words;
  let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (let w: usize = 0; w < words; w += 4, tile += 32) {
    const x = v128.load(tile), y = v128.load(tile, 16);
    const wordA = v128.load32_splat(a + w);
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
  }
  const t0 = v128.load(terms), t1 = v128.load(terms, 16);
  const apart = keptBytes(keep);
  offerTile(i32x4.sub(t0, i32x4.mul(weights, a0)), i32x4.sub(t1, i32x4.mul(weights, a1)), id, room, kept, keep);
  offerTile(i32x4.sub(t0, i32x4.mul(weights, b0)), i32x4.sub(t1, i32x4.mul(weights, b1)), id, room, kept + apart, keep);
  offerTile(i32x4.sub(t0, i32x4.mul(weights, c0)), i32x4.sub(t1, i32x4.mul(weights, c1)), id, room, kept + 2 * apart, keep);
  offerTile(i32x4.sub(t0, i32x4.mul(weights, d0)), i32x4.sub(t1, i32x4.mul(weights, d1)), id, room, kept + 3 * apart, keep);
}

function one(query: usize, words: usize, tile: usize, terms: usize, weight: i32, id: i32, room: usize, kept: usize, keep: i32): void {
  const weights = i32x4.splat(weight);
  let a0 = i32x4.splat(0), a1 = a0;
  for (let w: usize = 0; w < words; w += 4, tile += 32) {
    const word = v128.load32_splat(query + w);
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v128.load(tile), word));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v128.load(tile, 16), word));
  }
  const t0 = v128.load(terms), t1 = v128.load(terms, 16);
  offerTile(i32x4.sub(t0, i32x4.mul(weights, a0)), i32x4.sub(t1, i32x4.mul(weights, a1)), id, room, kept, keep);
}

/** Offers the keys of the centroids from `id` on. */
function offerTile(keys0: v128, keys1: v128, id: i32, room: usize, kept: usize, keep: i32): void {
  let last = lastKey(kept, keep);
  const bound = i32x4.splat(last);
  let near = i32x4.bitmask(i32x4.le_s(keys0, bound)) | (i32x4.bitmask(i32x4.le_s(keys1, bound)) << 4);
  if (near == 0) return;
  v128.store(room, keys0);
  v128.store(room, keys1, 16);
  for (; near != 0; near &= near - 1) {
    const lane = ctz(near);
    const key = load<i32>(room + (<usize>lane << 2));
    if (key <= last) last = offer(kept, keep, key, id + lane);
  }
}

/** Whole inputs of the kernel graph-narrow: beams that a search over made-up rows could have found. */
import { Scorer } from '../../src/kernels/cpu/graph-score.ts';
import { FORMS, NONE } from '../../src/kernels/graph.ts';
import { randomFrom } from '../contract/data.ts';
import { makeQueries, makeRows, type RowKind } from './graph-cases.ts';

/** What rows and queries have lost: nothing, what two limbs lose, what one does, so much that it hides all, or any of it. */
export type Loss = 'none' | 'fine' | 'coarse' | 'all' | 'any';

export interface NarrowShape {
  readonly nq: number;
  readonly n: number;
  readonly stride: number;
  readonly form: number;
  readonly kind: RowKind;
  readonly split: number;
  readonly ef: number;
  readonly length: number;
  readonly k: number;
  readonly loss: Loss;
  /** Of rows and of queries. */
  readonly limbs: 'zero' | 'any' | 'extreme';
  /** Entries of a beam; all that there are where undefined. */
  readonly filled?: number;
  readonly room?: number;
  readonly more?: number;
}

export function narrowCase(shape: NarrowShape, offset: number) {
  const { nq, n, stride, form, kind, ef, length, k, room = 40, more = 3 } = shape;
  const random = randomFrom(offset);
  const codes = makeRows(form, n, stride, kind, offset + 1);
  const queries = makeQueries(form, nq, stride, kind, offset + 2);
  const limbs = makeLimbs(shape, n, random);
  const split = Math.min(shape.split, n);
  const padded = (rows: Int8Array) => (rows.length > 0 ? rows.slice() : new Int8Array(16));
  return {
    name: JSON.stringify(shape),
    params: { nq, quads: stride / 16, form, split, ef, length, k, room, more },
    arrays: {
      queries,
      queryLimbs: makeLimbs(shape, nq, random),
      codesA: padded(codes.subarray(0, split * stride)),
      codesB: padded(codes.subarray(split * stride)),
      limbsA: padded(limbs.subarray(0, split * stride)),
      limbsB: padded(limbs.subarray(split * stride)),
      found: beamsOf(shape, queries, codes),
      lists: new Uint32Array(nq * (length + 2)).fill(999),
    },
  };
}

function beamsOf({ nq, n, stride, form, ef, filled = ef }: NarrowShape, queries: Int8Array, codes: Int8Array): Uint32Array {
  const found = new Uint32Array(nq * (2 * ef + 2));
  const scorer = new Scorer(codes, stride, form);
  for (let q = 0; q < nq; q++) {
    const scored = Array.from({ length: n }, (_, id) => ({ id, key: scorer.key(queries, q, id) }));
    const beam = scored.sort((a, b) => a.key - b.key || a.id - b.id).slice(0, Math.min(ef, filled));
    const row = found.subarray(q * (2 * ef + 2), (q + 1) * (2 * ef + 2));
    row.fill(NONE, ef, 2 * ef);
    for (const [i, { id, key }] of beam.entries()) {
      row[i] = key >>> 0;
      row[ef + i] = id;
    }
    row.set([1000 + q, 2000 + q], 2 * ef);
  }
  return found;
}

function makeLimbs({ stride, form, loss, limbs }: NarrowShape, n: number, random: ReturnType<typeof randomFrom>): Int8Array {
  const value = { zero: () => 0, any: () => random.int(-128, 127), extreme: () => (random() < 0.5 ? -128 : 127) }[limbs];
  const rows = Int8Array.from({ length: n * stride }, value);
  const words = new DataView(rows.buffer);
  for (let row = 0; row < n; row++) {
    const low = { none: 0, fine: random.int(0, 40), coarse: random.int(200, 4000), all: 65_535, any: random.int(0, 1) * 65_535 }[loss];
    const high = form === FORMS.sq8L2 ? 0 : random.int(0, 8200);
    words.setUint32((row + 1) * stride - 4, (low | (high << 16)) >>> 0, true);
  }
  return rows;
}

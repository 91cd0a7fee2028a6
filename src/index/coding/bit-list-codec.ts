import { allocAll } from '../../host/alloc-all.ts';
import type { Engine, HostEngine } from '../../host/engine.ts';
import { FORMS } from '../../kernels/graph.ts';
import { roundUp } from '../../util/math.ts';
import { type CodedQueries, codedQueries, type DeviceScoring, type ListCodec } from './list-codec.ts';

/** What a vector is among bits: on which side of each hyperplane it lies. Squared distances between such vectors are Hamming distances. */
const ABOVE = 0.5;
/** Codes of a byte. */
const KSUB = 256;

/** Signs of projections in place, as ±½: f32 [n, nBits]. */
export function toSigns(projected: Float32Array): Float32Array {
  return projected.map((value) => (value >= 0 ? ABOVE : -ABOVE));
}

/**
 * Bits of hyperplanes (LSH: Charikar, STOC 2002), one after the other from the lowest of the first byte. A key is the Hamming distance: the
 * sum over bytes of the bits that differ, which a table of 256 entries a byte gives, as those of product quantisers.
 */
export class BitListCodec implements ListCodec {
  readonly form = FORMS.pq8;
  readonly withTerms = false;
  readonly nBits: number;
  readonly stride: number;
  private readonly host: HostEngine;

  constructor(host: HostEngine, nBits: number) {
    this.host = host;
    this.nBits = nBits;
    this.stride = roundUp(Math.ceil(nBits / 8), 4);
  }

  async encode(rows: Float32Array) {
    return { codes: this.pack(rows), terms: undefined };
  }

  async queries(vectors: Float32Array): Promise<CodedQueries> {
    const { host } = this;
    const nq = vectors.length / this.nBits;
    const tables = this.tables(vectors);
    const [queries, shifts, probeTerms] = await allocAll(host, [
      ['i8', tables.byteLength, 'lists: tables'],
      ['u32', nq, 'lists: shifts'],
      ['i32', nq, 'lists: terms of probes'],
    ]);
    host.write(queries, new Int8Array(tables.buffer));
    return codedQueries(queries, shifts, probeTerms);
  }

  async openScoring(engine: Engine): Promise<DeviceScoring> {
    return {
      queries: async (vectors) => {
        const nq = vectors.length / this.nBits;
        const tables = this.tables(vectors);
        const queries = await engine.alloc('u32', tables.length / 2, 'lists: tables');
        engine.write(queries, new Uint32Array(tables.buffer));
        const dispose = () => queries[Symbol.dispose]();
        return { queries, shifts: new Uint32Array(nq), probeTerms: new Int32Array(nq), [Symbol.dispose]: dispose };
      },
      [Symbol.dispose]() {},
    };
  }

  decode(codes: Int8Array, at: number, _list: number, out: Float32Array): void {
    for (let j = 0; j < this.nBits; j++) out[j] = (codes[at + (j >> 3)]! >> (j & 7)) & 1 ? ABOVE : -ABOVE;
  }

  [Symbol.dispose](): void {}

  /** i8 [n, stride] */
  private pack(signs: Float32Array): Int8Array {
    const { nBits, stride } = this;
    const n = signs.length / nBits;
    const codes = new Int8Array(n * stride);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < nBits; j++) if (signs[i * nBits + j]! > 0) codes[i * stride + (j >> 3)]! |= 1 << (j & 7);
    }
    return codes;
  }

  /** u16 [nq, stride, 256]: bits in which each byte differs from the query's. */
  private tables(vectors: Float32Array): Uint16Array {
    const codes = this.pack(vectors);
    const tables = new Uint16Array(codes.length * KSUB);
    for (const [i, byte] of codes.entries()) {
      for (let c = 0; c < KSUB; c++) tables[i * KSUB + c] = ONES[(byte ^ c) & 255]!;
    }
    return tables;
  }
}

/** Ones in each byte. */
const ONES = Uint8Array.from({ length: KSUB }, (_, byte) => {
  let ones = 0;
  for (let bits = byte; bits > 0; bits >>= 1) ones += bits & 1;
  return ones;
});

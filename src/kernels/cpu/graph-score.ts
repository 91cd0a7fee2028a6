import { FORMS, isPq, isSq8, queryStride, TERM_BYTES } from '../graph.ts';
import { canonicalDistance } from './canonical-distances.ts';
import { pqSum } from './pq-sum.ts';

const floats = new Float32Array(1);
const bits = new Int32Array(floats.buffer);

/** The i32 whose order is that of the floats: what canonical distances are compared by. */
export function orderedBits(distance: number): number {
  floats[0] = distance;
  const word = bits[0]!;
  return word < 0 ? word ^ 0x7fffffff : word;
}

/** Scores rows of a graph: an i32 key, smaller is nearer. Rows of `stride` bytes; see graph.ts for the forms. */
export class Scorer {
  private readonly codes: Int8Array;
  private readonly stride: number;
  private readonly form: number;
  private readonly terms: DataView;

  constructor(codes: Int8Array, stride: number, form: number) {
    this.codes = codes;
    this.stride = stride;
    this.form = form;
    this.terms = new DataView(codes.buffer, codes.byteOffset, codes.byteLength);
  }

  /** The term of a row: what `key` lacks of the distance between two nodes. 0 but for sq8L2. */
  term(row: number): number {
    return this.form === FORMS.sq8L2 ? this.terms.getInt32((row + 1) * this.stride - TERM_BYTES, true) : 0;
  }

  /** Key of a row against query q of `queries`: for SQ8 the row's term − weight · Σ query · code, for PQ Σ lookups, else canonical. */
  key(queries: Int8Array, q: number, row: number): number {
    if (isPq(this.form)) return this.lookedUp(queries, q, row);
    if (!isSq8(this.form)) return this.canonical(queries, q, row);
    return this.term(row) - this.weight * this.dot(queries, q, row);
  }

  /** The distance of two nodes, as keys are compared with after `term` of the one is added to them. */
  between(a: number, b: number): number {
    if (isPq(this.form)) throw new Error('product-quantiser codes have no distance to one another');
    return this.key(this.codes, a, b) + this.term(a);
  }

  private get weight(): number {
    return this.form === FORMS.sq8L2 ? 2 : 1;
  }

  private dot(queries: Int8Array, q: number, row: number): number {
    let sum = 0;
    for (let j = 0; j < this.stride - TERM_BYTES; j++) sum += queries[q * this.stride + j]! * this.codes[row * this.stride + j]!;
    return sum;
  }

  private lookedUp(queries: Int8Array, q: number, row: number): number {
    const tables = new DataView(queries.buffer, queries.byteOffset, queries.byteLength);
    return pqSum(tables, q * queryStride(this.form, this.stride), this.codes, row, this.stride, this.form);
  }

  private canonical(queries: Int8Array, q: number, row: number): number {
    const width = this.stride / 4;
    const metric = this.form - FORMS.f32L2;
    return orderedBits(canonicalDistance(asFloats(queries), q, asFloats(this.codes), row, width, metric));
  }
}

function asFloats(bytes: Int8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}

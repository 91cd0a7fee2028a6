import { type ArrayOf, BYTES, type Dtype, type TypedArray } from '../kernels/kernel.ts';
import { badArgument } from '../util/errors.ts';

/** A typed run of an engine's memory. Disposing gives it back; disposing twice is harmless. */
export interface Block<D extends Dtype = Dtype> extends Disposable {
  readonly dtype: D;
  readonly length: number;
  readonly label: string;
}

/** Part of a block, in elements: [begin, end). */
export interface BlockRange<D extends Dtype = Dtype> {
  readonly block: Block<D>;
  readonly begin: number;
  readonly end: number;
}

export function rangeOf<D extends Dtype>(block: Block<D>, begin = 0, end = block.length): BlockRange<D> {
  return { block, begin, end };
}

/** A fresh zeroed array of the dtype. */
export function emptyArray<D extends Dtype>(dtype: D, length: number): ArrayOf[D] {
  const make: Record<Dtype, (n: number) => TypedArray> = {
    f32: (n) => new Float32Array(n),
    f64: (n) => new Float64Array(n),
    i32: (n) => new Int32Array(n),
    u32: (n) => new Uint32Array(n),
    i8: (n) => new Int8Array(n),
  };
  return make[dtype](length) as ArrayOf[D];
}

/** Checks that a write lies in its block and, for a GPU's sake, is whole 32-bit words. */
export function checkWrite<D extends Dtype>(block: Block<D>, data: ArrayOf[D], offset: number): void {
  if (offset < 0 || offset + data.length > block.length) {
    throw badArgument(`${block.label}: writing ${data.length} values at ${offset} passes the block's ${block.length}`);
  }
  if ((offset * BYTES[block.dtype]) % 4 || data.byteLength % 4) {
    throw badArgument(
      `${block.label}: writing ${data.byteLength} bytes at byte ${offset * BYTES[block.dtype]} is not whole words of four; pad it`,
    );
  }
}

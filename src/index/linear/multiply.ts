import type { Block } from '../../host/block.ts';
import type { HostEngine } from '../../host/engine.ts';
import { Recording } from '../../host/recording.ts';
import { matmul } from '../../kernels/matmul.ts';
import type { Breather } from '../../util/tasks.ts';

export interface Product {
  /** [first + n or more, k] */
  readonly a: Block<'f32'>;
  /** [m or more, k] */
  readonly b: Block<'f32'>;
  /** [first + n or more, m] */
  readonly c: Block<'f32'>;
}

export interface ProductShape {
  readonly first?: number;
  readonly n: number;
  readonly m: number;
  /** A multiple of 4. */
  readonly k: number;
}

/** Multiply-adds between two breaths: some milliseconds of one thread, and enough for many. */
const SLICE_TERMS = 2 ** 26;

/** Rows first … first + n − 1 of c = a · bᵀ, in slices. Each entry depends on its two rows only, so slices do not show. */
export async function multiply(host: HostEngine, blocks: Product, { first = 0, n, m, k }: ProductShape, breather: Breather): Promise<void> {
  const rows = Math.max(1, Math.floor(SLICE_TERMS / (m * k)));
  for (let row = 0; row < n; row += rows) {
    await host.run(new Recording().dispatch(matmul, blocks, { first: first + row, n: Math.min(rows, n - row), m, k }));
    await breather.breathe();
  }
}

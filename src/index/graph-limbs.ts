/** Lower limbs of rows that an index keeps the vectors of (docs/identity.md, part 13). */
import { isSq8 } from '../kernels/graph.ts';
import type { ReadLimbs } from './device-limbs.ts';
import type { GraphCodec } from './graph-codec.ts';
import type { Originals } from './originals.ts';

/** Reads limbs of rows; undefined where rows have no codes. */
export function limbsReader(codec: GraphCodec, originals: Originals): ReadLimbs | undefined {
  const { dim, form, stride } = codec.plan;
  if (!isSq8(form)) return undefined;
  return async (begin, end) => {
    const rows = new Float32Array((end - begin) * dim);
    await originals.readRange(begin, end, rows);
    using limbs = await codec.host.alloc('i8', (end - begin) * stride, 'graph: limbs');
    using _codes = await codec.encodeRows(rows, limbs);
    return codec.host.view(limbs).slice();
  };
}

import { allocAll } from '../../host/alloc-all.ts';
import type { Block } from '../../host/block.ts';
import type { HostEngine } from '../../host/engine.ts';
import { Recording } from '../../host/recording.ts';
import { LANES } from '../../kernels/canonical-distances.ts';
import { probeScores } from '../../kernels/probe-scores.ts';
import { roundUp } from '../../util/math.ts';
import type { Probes } from './list-codec.ts';

/** Values of a centroid, padded as rows of vectors are. */
export function centroidWidth(dim: number): number {
  return roundUp(dim, LANES);
}

/** Centroids of lists on a quantiser's grid: i16 [nlist, width], of which the first dim values count. */
export interface GridCentroids {
  readonly values: Int16Array;
  readonly width: number;
}

/** The same on the host. */
export class ListCentroids implements GridCentroids, Disposable {
  readonly width: number;
  /** Pairs of values: u32 [nlist, width / 2] */
  readonly block: Block<'u32'>;
  private readonly host: HostEngine;

  private constructor(host: HostEngine, width: number, block: Block<'u32'>) {
    this.host = host;
    this.width = width;
    this.block = block;
  }

  /** `values` i16 [nlist, dim] */
  static async open(host: HostEngine, values: Int16Array, dim: number): Promise<ListCentroids> {
    const padded = padRows(values, dim);
    const block = await host.alloc('u32', padded.length / 2, 'lists: centroids on the grid');
    host.write(block, new Uint32Array(padded.buffer));
    return new ListCentroids(host, centroidWidth(dim), block);
  }

  /** To be used at once: any wait may move the memory. */
  get values(): Int16Array {
    const words = this.host.view(this.block);
    return new Int16Array(words.buffer, words.byteOffset, 2 * words.length);
  }

  /** |q − c|² of queries i16 [nq, dim] and the lists that they probe, or with `squared` false −q · c: f64 [nq, nprobe]. */
  async scores(queries: Int16Array, dim: number, { lists, nprobe }: Probes, squared: boolean): Promise<Float64Array> {
    const { host, width, block: centroids } = this;
    const nq = queries.length / dim;
    const [asked, probes, scores] = await allocAll(host, [
      ['u32', (nq * width) / 2, 'probes: queries'],
      ['u32', lists.length, 'probes: lists'],
      ['f64', lists.length, 'probes: scores'],
    ]);
    try {
      host.write(asked, new Uint32Array(padRows(queries, dim).buffer));
      host.write(probes, lists);
      const params = { nq, nprobe, words: width / 2, squared: squared ? 1 : 0 };
      await host.run(new Recording().dispatch(probeScores, { queries: asked, centroids, probes, scores }, params));
      return host.view(scores).slice();
    } finally {
      for (const block of [asked, probes, scores]) block[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.block[Symbol.dispose]();
  }
}

function padRows(values: Int16Array, dim: number): Int16Array {
  const width = centroidWidth(dim);
  const n = values.length / dim;
  const padded = new Int16Array(n * width);
  for (let i = 0; i < n; i++) padded.set(values.subarray(i * dim, (i + 1) * dim), i * width);
  return padded;
}

/** Values i16 [n, dim] less those of each row's list's centroid. */
export function residuals(values: Int16Array, centroids: GridCentroids | undefined, lists: Uint32Array, dim: number): Int16Array {
  if (!centroids) return values;
  const { values: middles, width } = centroids;
  const left = new Int16Array(values.length);
  for (let i = 0; i < lists.length; i++) {
    const from = lists[i]! * width;
    for (let j = 0; j < dim; j++) left[i * dim + j] = values[i * dim + j]! - middles[from + j]!;
  }
  return left;
}

/** The exact neighbours that recall is measured by, from the library's Flat index, which bench flat compares with FAISS. */
import { pathToFileURL } from 'node:url';
import type * as Isodex from '../../src/node.ts';
import { agreement } from '../agreement.ts';
import type { DataSet } from '../data-sets.ts';

export class Truth {
  private readonly set: DataSet;
  private readonly k: number;
  private readonly index: Isodex.VectorIndex;
  private readonly all: Int32Array;

  private constructor(set: DataSet, k: number, index: Isodex.VectorIndex, all: Int32Array) {
    this.set = set;
    this.k = k;
    this.index = index;
    this.all = all;
  }

  /** Seconds at most, so it is never kept on disk. */
  static async find(library: string, set: DataSet, k: number): Promise<Truth> {
    const { createIndex }: typeof Isodex = await import(pathToFileURL(library).href);
    const index = await createIndex('Flat', { dim: set.dim, metric: set.metric, engine: 'cpu' });
    await index.add(set.base);
    return new Truth(set, k, index, (await index.search(set.queries, { k })).labels);
  }

  /** Neighbours among the rows that a bitset of labels admits. */
  async among(filter: Uint32Array): Promise<Int32Array> {
    return (await this.index.search(this.set.queries, { k: this.k, filter })).labels;
  }

  /** The share of true neighbours that were found; equally near rows count too. */
  recall(found: Int32Array, truth: Int32Array = this.all): number {
    return agreement(this.set, found, truth, this.k);
  }

  /** Of the nearest `k` alone, of those that were found [nq, width] too. */
  recallAt(k: number, found: Int32Array, width: number): number {
    return agreement(this.set, columns(found, width, k), columns(this.all, this.k, k), k);
  }

  /** The share of the true neighbours' own labels that were found. */
  labelRecall(found: Int32Array): number {
    const { all, k } = this;
    let [hits, wanted] = [0, 0];
    for (let at = 0; at < all.length; at += k) {
      const known = new Set(all.subarray(at, at + k).filter((label) => label >= 0));
      wanted += known.size;
      for (let i = at; i < at + k; i++) if (known.has(found[i]!)) hits++;
    }
    return hits / wanted;
  }

  close(): void {
    this.index.close();
  }
}

/** The first `count` of every `width`. */
function columns(labels: Int32Array, width: number, count: number): Int32Array {
  if (count === width) return labels;
  return Int32Array.from({ length: (labels.length / width) * count }, (_, i) => labels[Math.floor(i / count) * width + (i % count)]!);
}

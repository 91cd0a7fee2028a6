import { allocAll } from '../host/alloc-all.ts';
import type { Block } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import type { Recording } from '../host/recording.ts';
import { segmentsOf, topK } from '../kernels/top-k.ts';

interface List {
  readonly keys: Block<'i32'>;
  readonly ids: Block<'u32'>;
}

/** Top-k on the device: a partial selection, then merges of its output back and forth between two pairs of blocks. */
export class TopLists implements Disposable {
  private readonly nq: number;
  private readonly m: number;
  private readonly k: number;
  private readonly lists: readonly [List, List];

  private constructor(nq: number, m: number, k: number, lists: readonly [List, List]) {
    this.nq = nq;
    this.m = m;
    this.k = k;
    this.lists = lists;
  }

  /** Room to select the k smallest of each query's m keys. */
  static async open(engine: Engine, nq: number, m: number, k: number): Promise<TopLists> {
    const length = nq * segmentsOf(m) * k;
    const [keys, ids, otherKeys, otherIds] = await allocAll(engine, [
      ['i32', length, 'top-k: keys'],
      ['u32', length, 'top-k: ids'],
      ['i32', length, 'top-k: keys'],
      ['u32', length, 'top-k: ids'],
    ]);
    return new TopLists(nq, m, k, [
      { keys, ids },
      { keys: otherKeys, ids: otherIds },
    ]);
  }

  /**
   * Records the selection from `keys` [nq, m]; returns where its result [nq, k] will be. Ties go to the smaller of `ids` [nq, m];
   * without them, ids are positions in a query's keys.
   */
  record(recording: Recording, keys: Block<'i32'>, ids?: Block<'u32'>): List {
    const { nq, k } = this;
    let [to, other] = this.lists;
    const first = { keys, ids: ids ?? other.ids, topKeys: to.keys, topIds: to.ids };
    recording.dispatch(topK, first, { nq, m: this.m, k, implicit: ids ? 0 : 1 });
    for (let segments = segmentsOf(this.m); segments > 1; segments = segmentsOf(segments * k)) {
      const from = to;
      [to, other] = [other, to];
      recording.dispatch(
        topK,
        { keys: from.keys, ids: from.ids, topKeys: to.keys, topIds: to.ids },
        { nq, m: segments * k, k, implicit: 0 },
      );
    }
    return to;
  }

  [Symbol.dispose](): void {
    for (const { keys, ids } of this.lists) {
      keys[Symbol.dispose]();
      ids[Symbol.dispose]();
    }
  }
}

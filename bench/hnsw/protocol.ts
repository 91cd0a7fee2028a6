/** What contenders of the hnsw bench are asked; of Isodex's, peers/isodex-hnsw.ts, a little more. */
import type { IndexRequests } from '../index-protocol.ts';
import type { Sample } from '../peer.ts';

/** Means of one query. */
export interface Effort {
  /** Nodes whose links were followed. */
  readonly hops: number;
  readonly distances: number;
}

export interface IsodexRequests extends IndexRequests {
  /** From now on only labels of this bitset, a file of u32; null: all. */
  filter: [request: { path: string | null }, reply: Record<never, never>];
  effort: [request: { ef: number }, reply: Effort];
  /** `count` queries in one batch, from all of them around and around; `engine` is who answered. */
  batch: [request: { ef: number; count: number }, reply: Sample & { engine: string }];
}

import { createIndex, openEngine } from 'isodex';
import { vectors } from './data.ts';

export type Kind = 'cpu' | 'gpu' | 'auto';

export interface Found {
  kind: string;
  threads: number;
  labels: number[];
  distances: number[];
}

/** A search over 2,000 rows with 32 queries. */
export async function search(prefer: Kind): Promise<Found> {
  const engine = await openEngine({ prefer, threads: 2 });
  const index = await createIndex('Flat', { dim: 48, metric: 'l2', engine });
  await index.add(vectors(2000, 48, 1));
  const { labels, distances } = await index.search(vectors(32, 48, 2), { k: 5 });
  const found = { kind: engine.kind, threads: engine.info.threads, labels: [...labels], distances: [...distances] };
  index.close();
  engine.close();
  return found;
}

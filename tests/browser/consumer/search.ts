import { createIndex, openEngine } from 'isodex';
import { vectors } from './data.ts';

export async function search(prefer: 'cpu' | 'gpu' | 'auto') {
  using engine = await openEngine({ prefer });
  using index = await createIndex('Flat', { dim: 48, metric: 'l2', engine });
  await index.add(vectors(2000, 48, 1));
  const { labels, distances } = await index.search(vectors(32, 48, 2), { k: 5 });
  return { kind: engine.kind, threads: engine.info.threads, labels: [...labels], distances: [...distances] };
}

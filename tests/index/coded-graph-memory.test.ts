/** What graphs over codes hold in memory and write to files: as estimated, and a tenth of a graph over vectors. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { estimate } from '../../src/index/estimate.ts';
import { PARTS } from '../../src/index/estimate-parts.ts';
import { makeIndex } from '../../src/index/factory.ts';
import type { Metric, VectorIndex } from '../../src/index/vector-index.ts';
import { openIndex } from '../../src/node.ts';
import { makeVectors } from '../contract/data.ts';
import { engine } from './coded-graph-fixture.ts';

const expectNear = (estimated: number, real: number, what: string) =>
  expect(Math.abs(estimated - real), `${what}: ${estimated} bytes estimated of ${real}`).toBeLessThanOrEqual(0.02 * real);

const bytesHeld = ({ memory }: VectorIndex) => Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);

async function made(description: string, n: number, dim: number, metric: Metric) {
  const vectors = makeVectors('normal', n, dim, 1);
  const index = makeIndex(description, { dim, metric, seed: 7, efConstruction: 20 }, engine);
  await index.train(vectors);
  await index.add(vectors);
  return index;
}

it.each([
  ['HNSW16,PQ8', 1000, 32, 'l2'],
  ['HNSW8,PQ25x4', 1500, 100, 'ip'],
  ['OPQ6_30,HNSW4,PQ6', 700, 61, 'cosine'],
  ['PCA20,HNSW16,PQ5x4,RFlat', 900, 33, 'l2'],
] as const)('are estimated within 2 %%: %s, %i rows of dim %i, %s', async (description, n, dim, metric) => {
  const estimated = estimate(description, { n, dim, metric, seed: 7 });
  using index = await made(description, n, dim, metric);
  expect(Object.keys(index.memory).filter((part) => !(PARTS as readonly string[]).includes(part))).toEqual([]);
  for (const part of PARTS) expectNear(estimated.memory.parts[part], index.memory[part] ?? 0, `memory, ${part}`);
  const bytes = await index.toBytes();
  expect(Math.abs(estimated.file.total - bytes.length), 'file').toBeLessThanOrEqual(64);
});

it('are estimated with vectors in the file, too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'isodex-coded-graph-'));
  try {
    using index = await made('HNSW8,PQ4x4,RFlat', 600, 20, 'l2');
    const path = join(folder, 'index.isodex');
    await index.save(path);
    using disk = await openIndex(path, { engine, originals: 'disk' });
    expectNear(estimate('HNSW8,PQ4x4', { n: 600, dim: 20, refine: 'disk' }).memory.total, bytesHeld(disk), 'memory');
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('are a quarter of HNSW32 with refine from disk and a tenth without, at 384 and 784 dimensions', () => {
  for (const dim of [384, 784]) {
    const of = (description: string, refine?: 'disk') => estimate(description, { n: 1_000_000, dim, refine }).memory.perVector.total;
    expect(of('OPQ+HNSW', 'disk')).toBeLessThan(0.1 * of('HNSW32'));
    expect(of('OPQ+HNSW')).toBeLessThan(0.1 * of('HNSW32'));
  }
});

/** A user's own Vite build of the package, with Vite's defaults: nothing to configure, no asset to copy. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createIndex } from '../../src/main.ts';
import { describeInBrowser, visit } from './chromium.ts';
import { vectors } from './consumer/data.ts';
import type { Mode } from './server.ts';
import { buildConsumer, type Site } from './sites.ts';

type Kind = 'cpu' | 'gpu' | 'auto';

/** What consumer/main.ts puts on the page's globalThis. (Its files import 'isodex', which only their build can resolve.) */
type Consumer = Record<'search' | 'searchInWorker', (prefer: Kind) => Promise<unknown>>;

describeInBrowser('a bundled page of a user in Chromium', () => {
  let site: Site;
  let expected: { labels: number[]; distances: number[] };

  beforeAll(async () => {
    site = await buildConsumer();
    using index = await createIndex('Flat', { dim: 48, metric: 'l2', engine: 'cpu' });
    await index.add(vectors(2000, 48, 1));
    const { labels, distances } = await index.search(vectors(32, 48, 2), { k: 5 });
    expected = { labels: [...labels], distances: [...distances] };
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  const search = (mode: Mode, prefer: Kind, place: keyof Consumer = 'search') =>
    visit({ site: site.folder, mode }, (page) =>
      page.evaluate(([name, kind]) => (globalThis as unknown as { consumer: Consumer }).consumer[name](kind), [place, prefer] as const),
    );

  it.each([
    ['isolated', 'cpu', 2],
    ['isolated', 'auto', 2],
    ['plain', 'cpu', 1],
    ['plain', 'gpu', 1],
  ] as const)('%s: %s, %i thread(s)', async (mode, prefer, threads) => {
    expect(await search(mode, prefer)).toEqual({ kind: prefer, threads, ...expected });
  });

  it.each([
    ['isolated', 'cpu', 2],
    ['isolated', 'gpu', 2],
    ['plain', 'cpu', 1],
  ] as const)('%s, in a worker of the page: %s, %i thread(s)', async (mode, prefer, threads) => {
    expect(await search(mode, prefer, 'searchInWorker')).toEqual({ kind: prefer, threads, ...expected });
  });
});

/** An index in a real browser, end to end through the public API, against the same in Node. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createIndex, type EngineOptions, fromBytes, openEngine } from '../../src/main.ts';
import { describeInBrowser, type Visit, visit } from './chromium.ts';
import { buildPage, type Site } from './sites.ts';
import { type Answers, answersOf, type Workload } from './workload.ts';

const dims = { bytes: 64, unit: 100, duplicates: 33 };

const flat: Workload[] = (['bytes', 'unit', 'duplicates'] as const).flatMap((kind) =>
  (['l2', 'ip', 'cosine'] as const).map((metric) => ({ description: 'Flat', rows: 3000, kind, metric, dim: dims[kind], adds: 1 })),
);

/** Few rows: a software GPU takes milliseconds for each step of a walk. */
const graphs: Workload[] = [
  { description: 'HNSW4', rows: 250, kind: 'bytes', metric: 'l2', dim: 64, adds: 2 },
  { description: 'HNSW3', rows: 250, kind: 'clusters', metric: 'l2', dim: 20, adds: 3 }, // walked on canonical distances
  { description: 'HNSW4,SQ8', rows: 250, kind: 'unit', metric: 'ip', dim: 33, adds: 1 },
];

const workloads = [...flat, ...graphs];

/** What pages are given: other splits into `add` calls, which change nothing of Flat. */
const split = [...flat.map((workload, i) => ({ ...workload, adds: 1 + (i % 3) })), ...graphs];

/** One workload of each kind and each metric. */
const few = <T>(all: readonly T[]): T[] => [all[0]!, all[4]!, all[8]!, all[9]!];

describeInBrowser('an index in Chromium', () => {
  let site: Site;
  let expected: readonly Answers[];

  beforeAll(async () => {
    site = await buildPage();
    using engine = await openEngine({ prefer: 'cpu', threads: 1 });
    const answers: Answers[] = [];
    for (const workload of workloads) answers.push(await answersOf({ createIndex, fromBytes }, engine, workload));
    expected = answers;
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  const answers = (visited: Omit<Visit, 'site'>, options: EngineOptions, all: readonly Workload[]) =>
    visit({ site: site.folder, ...visited }, (page) =>
      page.evaluate(([given, work]) => isodexPage.answers(given, work), [options, all] as const),
    );

  it('has something to find', () => {
    for (const [i, { size, search, hops, filtered, range, reopened, sha256, compacted }] of expected.entries()) {
      const isGraph = workloads[i]!.description !== 'Flat';
      expect(size).toBe(isGraph ? 248 : 2997);
      expect(hops.length > 0 && hops.every((count) => count > 0)).toBe(isGraph);
      expect(compacted !== sha256).toBe(isGraph);
      expect(search.labels).toHaveLength(16 * 10);
      expect(filtered.labels.every((label) => label % 3 !== 1)).toBe(true);
      expect(range.labels.length).toBeGreaterThan(0);
      expect(reopened).toBe(true);
    }
  });

  it.each(['reference', 'cpu', 'gpu'] as const)(
    'isolated: %s answers as Node does',
    async (prefer) => {
      const { isolated, info, answers: found, posted } = await answers({ mode: 'isolated' }, { prefer, threads: 2 }, split);
      expect(isolated).toBe(true);
      expect(info).toMatchObject({ kind: prefer, threads: prefer === 'reference' ? 1 : 2, notes: [] });
      if (prefer === 'gpu') expect(info.adapter).toMatchObject({ architecture: 'swiftshader', software: true });
      if (prefer === 'cpu') expect(posted, 'messages to threads').toBeGreaterThan(0);
      expect(found).toEqual(expected);
    },
    120_000,
  );

  it('isolated: auto answers as Node does', async () => {
    const { info, answers: found } = await answers({ mode: 'isolated' }, { threads: 2 }, few(split));
    expect(info).toMatchObject({ kind: 'auto', threads: 2, engines: [{ kind: 'gpu' }, { kind: 'cpu' }] });
    expect(found).toEqual(few(expected));
  });

  it('isolated, no adapter: auto answers on the CPU and says so once', async () => {
    const said: string[] = [];
    const { info, answers: found } = await visit({ site: site.folder, mode: 'isolated' }, async (page) => {
      page.on('console', (message) => said.push(message.text()));
      const call = () =>
        page.evaluate(([work]) => isodexPage.answersWithoutAdapter({ threads: 2 }, work), [few(split).slice(0, 1)] as const);
      await call();
      return call();
    });
    expect(info).toMatchObject({ kind: 'cpu', threads: 2 });
    expect(said).toEqual([expect.stringMatching(/no GPU adapter/)]);
    expect(found).toEqual(few(expected).slice(0, 1));
  });

  it('plain: one thread, because the page is not isolated', async () => {
    const { isolated, info, answers: found, posted } = await answers({ mode: 'plain' }, { prefer: 'cpu', threads: 2 }, split);
    expect(isolated).toBe(false);
    expect(info).toMatchObject({ kind: 'cpu', threads: 1, notes: [expect.stringMatching(/^one thread: .*not cross-origin isolated/)] });
    expect(posted, 'messages to threads').toBe(0);
    expect(found).toEqual(expected);
  });

  it('plain: a GPU engine says the same of its CPU companion', async () => {
    const { info } = await answers({ mode: 'plain' }, { prefer: 'gpu', threads: 2 }, []);
    expect(info).toMatchObject({ kind: 'gpu', threads: 1, notes: [expect.stringMatching(/not cross-origin isolated/)] });
  });

  it('plain: nothing is said of threads that nobody asked for', async () => {
    const { info } = await answers({ mode: 'plain' }, { prefer: 'cpu' }, []);
    expect(info).toMatchObject({ kind: 'cpu', threads: 1, notes: [] });
  });

  it('isolated, but blob: workers forbidden: one thread, and says why', async () => {
    const refused = { mode: 'no-blob', expectedError: /worker from 'blob:.* violates the following Content Security Policy/i } as const;
    const { isolated, info, answers: found } = await answers(refused, { prefer: 'cpu', threads: 2 }, split);
    expect(isolated).toBe(true);
    expect(info).toMatchObject({ kind: 'cpu', threads: 1, notes: [expect.stringMatching(/^one thread: .*blob:/)] });
    expect(found).toEqual(expected);
  });
});

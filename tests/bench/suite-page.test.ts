/** The suite's page in a browser, opened as a file, with nothing to load it from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { suiteCharts } from '../../bench/suite/charts.ts';
import { suitePage } from '../../bench/suite/page.ts';
import { describeInBrowser, visitUrl } from '../browser/chromium.ts';
import { suiteFixture } from './suite-fixture.ts';

const ODD = '<b>&"';
const report = suiteFixture(ODD);
const { lanes } = report.sets[0]!;
const charts = 'section:first-of-type figure';

describeInBrowser("the suite's page in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), 'isodex-page-'));
  const file = join(folder, 'suite.html');
  beforeAll(async () => writeFileSync(file, await suitePage(report)));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The page once its charts are drawn; anything that it loads beyond itself fails the visit. */
  const open = <T>(work: (page: Page) => Promise<T>) =>
    visitUrl({ url: pathToFileURL(file).href }, async (page) => {
      await page.locator('figure:last-of-type svg').last().waitFor();
      return work(page);
    });

  it('draws a line for each lane and a mark for each point, and loads nothing', async () => {
    const { lines, points, rows, requests } = await open(async (page) => ({
      lines: await page.locator(`${charts} .mark-line path`).count(),
      points: await page.locator(`${charts} .curve .mark-symbol path`).count(),
      rows: await page.locator('section:first-of-type tbody tr').count(),
      requests: await page.evaluate(() => performance.getEntriesByType('resource').length),
    }));
    const all = lanes.reduce((sum, lane) => sum + lane.points.length, 0);
    expect({ lines, points, rows, requests }).toEqual({ lines: lanes.length, points: all, rows: all, requests: 0 });
  });

  it('says what was found', async () => {
    const text = await open((page) => page.locator('section:first-of-type .findings').textContent());
    const { reduction } = report.sets[0]!.reductions[1]!;
    expect(text).toContain(`HNSW p99 is ${(reduction * 100).toFixed(1)} % below FAISS Flat’s`);
    expect(text).toContain('OPQ+HNSW takes 9.10 % of HNSW’s bytes a vector');
  });

  it('sorts by a heading, back again, and leaves at the end what was not measured; by keyboard too', async () => {
    await open(async (page) => {
      const table = page.locator('table').first();
      const column = async (n: number) =>
        table.locator(`tbody td:nth-child(${n})`).evaluateAll((cells) => cells.map((c) => c.dataset.value!));
      const heading = (name: string) => table.getByRole('columnheader', { name });
      const before = (await column(8)).map(Number);
      await heading('queries/s').getByRole('button').click();
      expect((await column(8)).map(Number)).toEqual([...before].sort((a, b) => a - b));
      expect(await heading('queries/s').getAttribute('aria-sort')).toBe('ascending');
      await heading('p99').getByRole('button').focus();
      await page.keyboard.press('Enter');
      await page.keyboard.press('Enter');
      const p99 = await column(11);
      const measured = lanes.flatMap(({ latency }) => (latency ? [latency.p99] : [])).sort((a, b) => b - a);
      expect(p99.slice(0, measured.length).map(Number)).toEqual(measured);
      expect(new Set(p99.slice(measured.length))).toEqual(new Set(['']));
      expect(await heading('p99').getAttribute('aria-sort')).toBe('descending');
      expect(await heading('queries/s').getAttribute('aria-sort')).toBeNull();
    });
  });

  it('shows names as text, in the legend, the table, charts and what points tell', async () => {
    await open(async (page) => {
      expect(await page.locator('section:first-of-type .legend').textContent()).toContain(ODD);
      expect(await page.locator('td').filter({ hasText: ODD }).count()).toBeGreaterThan(0);
      expect(
        await page
          .locator(`${charts} svg text`)
          .filter({ hasText: `${ODD} HNSW16` })
          .count(),
      ).toBeGreaterThan(0);
      expect(await page.locator('b').count()).toBe(0);
      await page.locator(`${charts} .curve .mark-symbol path`).first().hover({ force: true });
      expect(await page.locator('#told').textContent()).toMatch(/^libraryFAISSindexFlat.+recall@1 \/ 10 \/ 100\d/);
    });
  });

  it('hides what a switch of the legend names, in charts and table', async () => {
    await open(async (page) => {
      const lines = page.locator(`${charts} .mark-line path`);
      await page.getByRole('button', { name: 'FAISS', exact: true }).first().click();
      const left = lanes.filter(({ contender }) => contender !== 'FAISS');
      await expect.poll(() => lines.count()).toBe(left.length);
      const rows = await page.locator('section:first-of-type tbody tr:visible').count();
      expect(rows).toBe(left.reduce((sum, lane) => sum + lane.points.length, 0));
    });
  });
});

describe("the suite's pictures", () => {
  it('draws curves and latencies of each set', async () => {
    const pictures = await suiteCharts(report);
    expect(pictures.map(({ name }) => name)).toEqual(report.sets.flatMap(({ name }) => [`suite-${name}`, `suite-latency-${name}`]));
    for (const { svg } of pictures) {
      expect(svg).toMatch(/^<svg/);
      expect(svg).toContain('&lt;b&gt;&amp;');
    }
  });

  it('does without what was not measured', async () => {
    const bare = {
      ...report,
      sets: [{ ...report.sets[0]!, lanes: lanes.map((lane) => ({ ...lane, latency: null })), reductions: [], memoryShare: null }],
    };
    expect(await suitePage(bare)).toContain('Not measured.');
    expect((await suiteCharts(bare)).map(({ name }) => name)).toEqual(['suite-minilm']);
    const empty = { ...report, sets: [{ ...report.sets[0]!, lanes: [], reductions: [], memoryShare: null }] };
    expect(await suitePage(empty)).toContain('Nothing was measured.');
  });
});

/** Every kernel's WASM and WGSL in a real browser, bit by bit against the TypeScript twin in the same page. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kernels } from '../../src/kernels/all.ts';
import { featuresOf } from '../../src/kernels/wgsl.ts';
import type { EngineOptions } from '../../src/main.ts';
import { describeInBrowser, visit } from './chromium.ts';
import type { KernelReport } from './page/kernels.ts';
import type { Mode } from './server.ts';
import { buildPage, type Site } from './sites.ts';

const ofHosts = kernels.filter(({ deviceOnly }) => !deviceOnly);

describeInBrowser('kernels in Chromium', () => {
  let site: Site;
  beforeAll(async () => {
    site = await buildPage();
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  const run = (mode: Mode, engines: Record<string, EngineOptions>) =>
    visit({ site: site.folder, mode }, (page) => page.evaluate((wanted) => isodexPage.kernels(wanted), engines));

  it('isolated: the GPU and two threads write the bits of the twins', async () => {
    const { reports, posted } = await run('isolated', {
      gpu: { prefer: 'gpu', threads: 1, subgroups: false },
      'gpu, subgroups': { prefer: 'gpu', threads: 1, subgroups: true },
      threads: { prefer: 'cpu', threads: 2 },
      'threads, baseline SIMD': { prefer: 'cpu', threads: 2, relaxedSimd: false },
    });
    expect(differences(reports)).toEqual([]);
    expect(kernelsOn('gpu', reports)).toEqual(namesOf(kernels.filter(({ plan }) => plan)));
    expect(kernelsOn('gpu, subgroups', reports)).toEqual(namesOf(kernels.filter(({ name }) => featuresOf(name).includes('subgroups'))));
    expect(kernelsOn('threads', reports)).toEqual(namesOf(ofHosts));
    expect(kernelsOn('threads, baseline SIMD', reports)).toEqual(namesOf(ofHosts));
    // Each kernel's long case goes to the threads of both CPU engines.
    expect(posted, 'messages to threads').toBeGreaterThanOrEqual(2 * ofHosts.length);
    print(reports);
  }, 240_000);

  it('plain: one thread writes the bits of the twins', async () => {
    const { reports, posted } = await run('plain', {
      'one thread': { prefer: 'cpu' },
      'one thread, baseline SIMD': { prefer: 'cpu', relaxedSimd: false },
    });
    expect(differences(reports)).toEqual([]);
    expect(kernelsOn('one thread', reports)).toEqual(namesOf(ofHosts));
    expect(kernelsOn('one thread, baseline SIMD', reports)).toEqual(namesOf(ofHosts));
    expect(posted, 'messages to threads').toBe(0);
    print(reports);
  });

  it('sees a single wrong bit in every case', async () => {
    const reports = await visit({ site: site.folder, mode: 'plain' }, (page) => page.evaluate(() => isodexPage.faultyKernels()));
    expect(kernelsOn('faulty', reports)).toEqual(namesOf(kernels));
    for (const { kernel, cases, different } of reports) expect(different.length, kernel).toBeGreaterThanOrEqual(cases);
  });
});

function namesOf(list: readonly { name: string }[]): string[] {
  return list.map(({ name }) => name).sort();
}

/** The kernels that ran on an engine, with more than the long case. */
function kernelsOn(engine: string, reports: readonly KernelReport[]): string[] {
  return namesOf(reports.filter((report) => report.engine === engine && report.cases > 1).map(({ kernel }) => ({ name: kernel })));
}

function differences(reports: readonly KernelReport[]): string[] {
  return reports.flatMap(({ kernel, engine, different }) => different.map((what) => `${kernel} on ${engine}: ${what}`));
}

function print(reports: readonly KernelReport[]): void {
  for (const engine of new Set(reports.map((report) => report.engine))) {
    const of = reports.filter((report) => report.engine === engine);
    const sum = (count: (report: KernelReport) => number) => of.reduce((total, report) => total + count(report), 0);
    const text = `${of.length} kernels, ${sum(({ cases }) => cases)} cases, ${sum(({ arrays }) => arrays)} arrays`;
    console.log(`${engine}: ${text}, ${sum(({ different }) => different.length)} differ`);
  }
}

/** Runs bench/kernel-cases.ts, which uses what only the library's build can load: a checkout builds it first, as the library is built. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Cases from './kernel-cases.ts';
import { describe } from './machine.ts';
import { BUILT, benchFile, ROOT } from './places.ts';
import { spread, table, three } from './table.ts';

export async function benchKernels(options: Cases.KernelOptions, cache: string, say: (line: string) => void): Promise<Cases.KernelReport> {
  const path = BUILT ? benchFile('kernel-cases.js') : await buildCases(join(cache, 'bench'), say);
  const cases = (await import(pathToFileURL(path).href)) as typeof Cases;
  return cases.benchKernels(options, say);
}

async function buildCases(outDir: string, say: (line: string) => void): Promise<string> {
  say('building');
  const { build } = await import('vite');
  await build({ root: ROOT, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
  return join(outDir, 'bench', 'kernel-cases.js');
}

export function kernelText({ machine, date, kernels, integerOverFloat, threads }: Cases.KernelReport): string {
  const rows = kernels.map(({ kernel, shape, engine, termsPerSecond: { median, min, max } }) => [
    kernel.split(' ')[0]!,
    shape,
    engine,
    spread({ median: median / 1e9, min: min / 1e9, max: max / 1e9 }),
  ]);
  return [
    `${describe(machine)}, ${date}`,
    '',
    table(['kernel', 'shape', 'engine', 'billions of terms/s: median (least–most)'], rows),
    '',
    ...integerOverFloat.map(
      ({ engine, dim, ratio }) => `WASM integer scan / WASM f32 (canonical) scan, × ${dim}, ${engine}: ${three(ratio)}`,
    ),
    ...threads.map(({ kernel, threads: count, ratio }) => `${count} threads / 1, ${kernel}: ${three(ratio)}`),
  ].join('\n');
}

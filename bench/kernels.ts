/** Builds bench/kernel-cases.ts with the library's own Vite configuration, as the shipped code is built, and runs it. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import type * as Cases from './kernel-cases.ts';
import { describe } from './machine.ts';
import { spread, table, three } from './table.ts';

export async function benchKernels(options: Cases.KernelOptions, cache: string, say: (line: string) => void): Promise<Cases.KernelReport> {
  const root = join(import.meta.dirname, '..');
  const outDir = join(cache, 'bench');
  say('building');
  await build({
    root,
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true, lib: { entry: { 'kernel-cases': join(import.meta.dirname, 'kernel-cases.ts') }, formats: ['es'] } },
  });
  const cases = (await import(pathToFileURL(join(outDir, 'kernel-cases.js')).href)) as typeof Cases;
  return cases.benchKernels(options, say);
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

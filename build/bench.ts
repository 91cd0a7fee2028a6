/** The bench as part of the built package: Node takes no TypeScript inside node_modules. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';

const root = resolve(import.meta.dirname, '..');

/** What is started or looked for by its path, each a file of its own in dist/bench/: commands, and every peer's process. */
export function benchEntries(): Record<string, string> {
  const named = ['run', 'program', 'kernel-cases'].map((name) => `bench/${name}.ts`);
  const peers = globSync('bench/peers/*.ts', { cwd: root });
  return Object.fromEntries([...named, ...peers].map((path) => [path.replace(/\.ts$/, ''), join(root, path)]));
}

/** Copies what the bench reads as it is. tinybench is bundled, so its licence comes along. */
export function benchFiles(): Plugin {
  const copied = globSync(['bench/{gpu,peers}/*.py', 'bench/suite/page-*.{js,css}'], { cwd: root });
  return {
    name: 'isodex-bench-files',
    apply: 'build',
    generateBundle() {
      for (const fileName of copied) this.emitFile({ type: 'asset', fileName, source: readFileSync(join(root, fileName)) });
      const source = readFileSync(join(root, 'node_modules/tinybench/LICENSE'));
      this.emitFile({ type: 'asset', fileName: 'bench/tinybench-LICENSE', source });
    },
  };
}

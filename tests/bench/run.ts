/** Runs `npm run bench` as users do, without data sets, its results in a folder that goes away. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';

export const root = join(import.meta.dirname, '..', '..');

export function benchRunner() {
  const out = mkdtempSync(join(tmpdir(), 'isodex-bench-test-'));
  afterAll(() => rmSync(out, { recursive: true, force: true }));
  const env = { ...process.env, ISODEX_DATA: out };
  const bench = (...args: string[]) => promisify(execFile)(process.execPath, [join(root, 'bench', 'run.ts'), ...args], { env });
  return { bench, out, library: join(root, 'dist', 'node.js') };
}

/** A process that holds open engines ends by itself, and with code 0. */

import plain from 'assembly:plain-relaxed';
import shared from 'assembly:shared-relaxed';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workerSource } from '../../build/plugins.ts';
import { findGpu } from '../contract/engines.ts';

const gpu = await findGpu();
const childEnv = { ...process.env }; // findGpu has named the driver by now, if one had to be named

/** The WASM that this process has at hand, so that the child's build need not compile it again. */
function assemblyAtHand(): Plugin {
  const modules: Record<string, string> = { 'assembly:shared-relaxed': shared, 'assembly:plain-relaxed': plain };
  return {
    name: 'assembly-at-hand',
    resolveId: (id) => (id.startsWith('assembly:') ? `\0${id}` : undefined),
    load: (id) => (id.startsWith('\0assembly:') ? `export default ${JSON.stringify(modules[id.slice(1)] ?? '')};` : undefined),
  };
}

/** The build lies in a temporary folder, from where no package would be found by name. */
const dawnByPath: Plugin = {
  name: 'dawn-by-path',
  enforce: 'pre',
  resolveId: (id) =>
    id === 'webgpu' ? { id: pathToFileURL(createRequire(import.meta.url).resolve('webgpu')).href, external: true } : undefined,
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isodex-exit-'));
  await build({
    configFile: false,
    logLevel: 'error',
    plugins: [dawnByPath, assemblyAtHand(), workerSource()],
    define: { __ISODEX_VERSION__: '"test"' },
    build: {
      target: 'es2023',
      minify: false,
      outDir: folder,
      emptyOutDir: true,
      lib: { entry: join(import.meta.dirname, 'exit-child.ts'), formats: ['es'], fileName: () => 'child.mjs' },
      rolldownOptions: { external: [/^node:/] },
    },
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  code: number | string | null | undefined;
  signal: unknown;
  stdout: string;
}

/** Runs the child and waits for its end; after 10 s it is killed, which shows as a signal. */
function runChild(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(folder, 'child.mjs'), ...args],
      { env: childEnv, timeout: 10_000, killSignal: 'SIGKILL' },
      (error, stdout) => resolve({ code: error ? error.code : 0, signal: error?.signal ?? null, stdout: stdout.trim() }),
    );
  });
}

describe('a process with an open engine ends by itself', () => {
  it.each(['1', '3'])('CPU, %s threads', async (threads) => {
    expect(await runChild('cpu', threads, 'open')).toEqual({ code: 0, signal: null, stdout: `cpu, ${threads}, true` });
  });

  it('CPU, with a run that nobody waits for', async () => {
    expect(await runChild('cpu', '3', 'unawaited')).toEqual({ code: 0, signal: null, stdout: '' });
  });

  it.skipIf(!gpu).each(['open', 'closed'])('GPU, %s', async (ending) => {
    expect(await runChild('gpu', '2', ending)).toEqual({ code: 0, signal: null, stdout: 'gpu, 2, true' });
  });
});

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import asc from 'assemblyscript/asc';
import { type Plugin, transformWithOxc } from 'vite';

const FLAVOURS = /^assembly:(shared|plain)(-relaxed)?$/;

/**
 * `import wasm from 'assembly:shared-relaxed'`: the AssemblyScript module as base64, compiled on import. `shared` takes
 * memory that threads share (a module that imports shared memory cannot take the other kind, hence two), `relaxed` uses
 * the relaxed dot product.
 */
export function assemblyScript(): Plugin {
  const entry = resolve(import.meta.dirname, '../src/kernels/simd/assembly/module.ts');
  return {
    name: 'isodex-assemblyscript',
    resolveId: (id) => (FLAVOURS.test(id) ? `\0${id}` : undefined),
    async load(id) {
      const match = id.startsWith('\0') && FLAVOURS.exec(id.slice(1));
      if (!match) return undefined;
      const bytes = await compileAssembly(entry, match[1] === 'shared', Boolean(match[2]), (file) => this.addWatchFile(file));
      return `export default ${JSON.stringify(Buffer.from(bytes).toString('base64'))};`;
    },
  };
}

async function compileAssembly(entry: string, shared: boolean, relaxed: boolean, onRead: (file: string) => void): Promise<Uint8Array> {
  const root = dirname(entry);
  const options = [
    '-O3',
    '--noAssert',
    '--runtime',
    'stub',
    '--importMemory',
    '--initialMemory',
    '1',
    '--enable',
    'simd',
    '--enable',
    'threads',
  ];
  if (shared) options.push('--sharedMemory', '--maximumMemory', '65536');
  if (relaxed) options.push('--enable', 'relaxed-simd');
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(['module.ts', ...options, '--outFile', 'out.wasm', '--baseDir', root], {
    readFile(name, base) {
      const path = resolve(base, name);
      try {
        const text = readFileSync(path, 'utf8');
        onRead(path);
        return text;
      } catch {
        return null;
      }
    },
    writeFile(name, contents) {
      if (name.endsWith('.wasm')) wasm = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw new Error(`AssemblyScript: ${stderr.toString()}`, { cause: error });
  return wasm;
}

/**
 * `import source from './worker.ts?source'`: a self-contained TypeScript file as JavaScript text. Workers start from text,
 * so that no bundler of a user has to find a file of ours.
 */
export function workerSource(): Plugin {
  return {
    name: 'isodex-worker-source',
    enforce: 'pre',
    async load(id) {
      if (!id.endsWith('.ts?source')) return undefined;
      const file = id.slice(0, -'?source'.length);
      const { code } = await transformWithOxc(readFileSync(file, 'utf8'), file, { sourcemap: false });
      return `export default ${JSON.stringify(code.replace(/\nexport \{\};?\s*$/, ''))};`;
    },
  };
}

/** Builds the sites that the suite visits, each into a temporary folder. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build, type Plugin } from 'vite';
import { assemblyScript, workerSource } from '../../build/plugins.ts';
import { seed } from '../contract/data.ts';

const root = resolve(import.meta.dirname, '../..');
const vite = join(root, 'node_modules/vite/bin/vite.js');

export interface Site extends AsyncDisposable {
  readonly folder: string;
}

/** The page of tests/browser/page over the sources of the library. */
export function buildPage(): Promise<Site> {
  return buildSite(async (folder) => {
    await build({
      configFile: false,
      logLevel: 'warn',
      root: join(import.meta.dirname, 'page'),
      plugins: [assemblyScript(), workerSource(), kernelTestsInThePage()],
      define: { __ISODEX_VERSION__: '"test"', 'process.env.ISODEX_SEED': JSON.stringify(String(seed)) },
      build: {
        outDir: folder,
        emptyOutDir: false,
        target: 'es2023',
        minify: false,
        chunkSizeWarningLimit: 4096,
        rolldownOptions: {
          shimMissingExports: true,
          onLog: (level, log, handle) => void (log.code === 'SHIMMED_EXPORT' || handle(level, log)),
        },
      },
    });
    return folder;
  });
}

/**
 * Lets the page load tests/kernels/*.test.ts: what they hand to `kernelContract` is collected by page/kernels.ts instead of
 * being registered with vitest. Vitest and Node's engines are absent from the page: their names are undefined there.
 */
function kernelTestsInThePage(): Plugin {
  const ABSENT = '\0absent';
  return {
    name: 'kernel-tests-in-the-page',
    enforce: 'pre',
    resolveId(id, importer = '') {
      if (id === '../contract/kernel.ts' && dirname(importer) === join(root, 'tests/kernels'))
        return join(import.meta.dirname, 'page/kernels.ts');
      if (id === 'vitest' || (id === './engines.ts' && dirname(importer) === join(root, 'tests/contract'))) return ABSENT;
      return undefined;
    },
    load: (id) => (id === ABSENT ? 'export {};' : undefined),
    // package.json says that nothing has side effects; a test file's whole point is one.
    transform: (_code, id) => (id.endsWith('.test.ts') ? { moduleSideEffects: true } : undefined),
  };
}

/**
 * A user's project (tests/browser/consumer) with the built package in its node_modules, bundled by Vite as it comes, with
 * no plugin and no configuration.
 */
export function buildConsumer(): Promise<Site> {
  return buildSite(async (folder) => {
    await cp(join(import.meta.dirname, 'consumer'), folder, { recursive: true });
    const modules = await linkedDependencies(folder);
    await runVite(root, ['--outDir', join(modules, 'isodex/dist')]);
    await cp(join(root, 'package.json'), join(modules, 'isodex/package.json'));
    await runVite(folder, []);
    return join(folder, 'dist');
  });
}

/** The node_modules of a user's project, with what the package depends on and nothing else. */
export async function linkedDependencies(project: string): Promise<string> {
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const modules = join(project, 'node_modules');
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  return modules;
}

/** `vite build` as a user starts it: a process of its own, outside of vitest's environment. */
async function runVite(cwd: string, options: readonly string[]): Promise<void> {
  const { NODE_ENV, VITEST, ...env } = process.env;
  await promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'warn', ...options], { cwd, env });
}

/** Runs `work` on a fresh folder and hands out what it says is the site; all of it goes when the site is disposed of. */
async function buildSite(work: (folder: string) => Promise<string>): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'isodex-browser-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    return { folder: await work(folder), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Runs the built command line as a process of its own. It is built once for each state of the sources. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { build } from 'vite';

const root = join(import.meta.dirname, '../..');
/** Inside the project, since the built files look for packages in the folders above them. */
const cache = join(root, 'node_modules/.cache/isodex-cli');
/** A build takes seconds; a lock older than this was left by a process that died. */
const STALE_MS = 120_000;
/** No test run lasts as long, so a build of this age is nobody's. */
const OLD_MS = 3_600_000;

const fashion = (name: string) => join(root, 'tests/fixtures/fashion-mnist', name);
export const TRAIN = fashion('train-images-idx3-ubyte.gz');
export const TEST = fashion('t10k-images-idx3-ubyte.gz');

/** Sizes and times of all that goes into the build, as one name. */
function stateOfSources(): string {
  const hash = createHash('sha256');
  const files = ['src', 'shaders', 'bench', 'build'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  for (const file of [...files, 'vite.config.ts', 'package.json'].sort()) {
    const stat = statSync(join(root, file), { throwIfNoEntry: false });
    if (stat?.isFile()) hash.update(`${file} ${stat.size} ${stat.mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

let built: Promise<string> | undefined;

/** The path of the built cli.js: one for each test file, even where sources change while it runs. */
export function builtCli(): Promise<string> {
  built ??= findOrBuild();
  return built;
}

/** Test files that start together wait for the one that builds. */
async function findOrBuild(): Promise<string> {
  const folder = join(cache, stateOfSources());
  const lock = `${folder}.lock`;
  mkdirSync(cache, { recursive: true });
  while (!existsSync(folder)) {
    if (takeLock(lock)) {
      try {
        if (!existsSync(folder)) await buildInto(folder);
      } finally {
        rmdirSync(lock);
      }
    } else await wait(100);
  }
  return join(folder, 'cli.js');
}

function takeLock(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    if (isOld(lock, STALE_MS)) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

/** Another process may remove what is looked at. */
function isOld(path: string, ms: number): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > ms;
}

async function buildInto(folder: string): Promise<void> {
  for (const old of readdirSync(cache)) if (isOld(join(cache, old), OLD_MS)) rmSync(join(cache, old), { recursive: true, force: true });
  const temporary = `${folder}.${process.pid}.tmp`;
  await build({
    root,
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: temporary, emptyOutDir: true, lib: { entry: { cli: 'src/cli/main.ts' } } },
  });
  renameSync(temporary, folder);
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Closes our end of its output after this many bytes, as `head` does. */
  readonly readOnly?: number;
  /** Sends SIGINT this long after the start. */
  readonly interruptAfterMs?: number;
}

/** Runs `isodex` with the arguments to its end. */
export async function isodex(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [await builtCli(), ...args], {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out.stdout += text;
    if (options.readOnly !== undefined && out.stdout.length >= options.readOnly) child.stdout.destroy();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    out.stderr += text;
  });
  if (options.interruptAfterMs !== undefined) setTimeout(() => child.kill('SIGINT'), options.interruptAfterMs);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, ...out };
}

/** A folder of the test file's own. */
export function scratchFolder(): { at(name: string): string; names(): string[]; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'isodex-cli-'));
  return {
    at: (name) => join(folder, name),
    names: () => readdirSync(folder),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

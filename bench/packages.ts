/** Contenders from npm: installed when a bench wants them, outside this repository's own dependencies. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Package {
  readonly name: string;
  readonly version: string;
  /** Compiler flags for packages that npm compiles. */
  readonly flags?: string | undefined;
}

/** Where a package is installed, alone. */
export function packageFolder({ name, version, flags }: Package, cache: string): string {
  return join(cache, 'bench-peers', `${name}@${version}${flags ? ` ${flags}` : ''}`.replace(/[^\w@.]+/g, '-'));
}

/** The folder in which a package is installed, alone; or why it cannot be had. */
export async function npmPackage(
  wanted: Package,
  cache: string,
  say: (line: string) => void,
  /** Seconds that installing may take; 0: as long as it wants. */
  patience = 0,
): Promise<{ folder: string } | { missing: string }> {
  const { name, version, flags } = wanted;
  const built = flags ? ` ${flags}` : '';
  const folder = packageFolder(wanted, cache);
  const done = join(folder, 'installed');
  if (existsSync(done)) return { folder };
  say(`installing ${name} ${version}${built}, once`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-package-lock', `${name}@${version}`];
    const env = { ...process.env, ...(flags ? { CXXFLAGS: flags } : {}) };
    await promisify(execFile)('npm', args, { cwd: folder, env, timeout: 1000 * patience });
    writeFileSync(done, '');
    return { folder };
  } catch (error) {
    if ((error as { killed?: boolean }).killed) return { missing: `${name} ${version} is not installed, and ${tooSlow(patience)}` };
    const lines = String((error as { stderr?: string }).stderr || error).split('\n');
    const reason = lines.find((line) => line.startsWith('npm error code')) ?? lines[0];
    return { missing: `npm could not install ${name} ${version} (${reason})` };
  }
}

/** For whoever has not the time to wait for an installation. */
export function tooSlow(patience: number): string {
  return `installing it takes more than ${patience} s; without --quick it is waited for`;
}

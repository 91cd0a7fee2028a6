import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tooSlow } from './packages.ts';

const run = promisify(execFile);

/** numpy is not pinned: which one there is depends on the Python. */
const PACKAGES = ['faiss-cpu==1.15.1', 'numpy'];

/** A Python with FAISS: the given one, or a virtual environment in `cache`, which is made when it is not there. */
export async function pythonWithFaiss(
  given: string | undefined,
  cache: string,
  say: (line: string) => void,
  /** Seconds that each step of installing may take; 0: as long as it wants. */
  patience = 0,
): Promise<{ python: string } | { missing: string }> {
  if (given) return (await hasFaiss(given)) ? { python: given } : { missing: `the --python given cannot import faiss and numpy` };
  const folder = join(cache, 'faiss-venv');
  const python = join(folder, 'bin', 'python');
  if (existsSync(python) && (await hasFaiss(python))) return { python };
  say('making a virtual environment with faiss-cpu, once');
  try {
    const timeout = 1000 * patience;
    await run('python3', ['-m', 'venv', folder], { timeout });
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES], { timeout });
  } catch (error) {
    if ((error as { killed?: boolean }).killed) return { missing: `there is no Python with faiss-cpu, and ${tooSlow(patience)}` };
    const last = String((error as { stderr?: string }).stderr || error)
      .trim()
      .split('\n')
      .at(-1);
    return { missing: `no Python with faiss-cpu, and making one failed (${last}); give one with --python` };
  }
  return (await hasFaiss(python)) ? { python } : { missing: 'faiss-cpu was installed but cannot be imported; give a Python with --python' };
}

async function hasFaiss(python: string): Promise<boolean> {
  return run(python, ['-c', 'import faiss, numpy']).then(
    () => true,
    () => false,
  );
}

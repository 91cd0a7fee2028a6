/** Debian's Python with the packages that a test needs, or why there is none. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';

export const run = promisify(execFile);

const python = process.env.ISODEX_PYTHON ?? '/usr/bin/python3';
const DEBIAN: Readonly<Record<string, string>> = { numpy: 'python3-numpy', yaml: 'python3-yaml', h5py: 'python3-h5py' };

/** Skips the test where Python lacks one of the modules; fails it where ISODEX_REQUIRE_PYTHON says that it must not. */
export async function pythonWith(modules: readonly string[], skip: (why: string) => void): Promise<string> {
  const found = await run(python, ['-c', `import ${modules.join(', ')}`]).then(
    () => true,
    () => false,
  );
  if (!found) {
    const why = `${python} lacks one of ${modules.join(', ')}: apt-get install ${modules.map((name) => DEBIAN[name]).join(' ')}`;
    if (process.env.ISODEX_REQUIRE_PYTHON === '1') expect.fail(why);
    skip(why);
  }
  return python;
}

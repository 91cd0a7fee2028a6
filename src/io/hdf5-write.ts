import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replaceFile } from '../util/replace-file.ts';
import { guarded, type Loaded, loadFor } from './hdf5-library.ts';

/** What a file of HDF5 holds: attributes of its root, and datasets. */
export interface Hdf5Content {
  /** Booleans become 0 and 1, integers i32, other numbers f64. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly datasets: Readonly<Record<string, { readonly values: Float32Array | Int32Array; readonly shape: readonly number[] }>>;
}

/**
 * Writes an HDF5 file as a whole or not at all. The library writes to paths only, so it writes a temporary file first.
 *
 * @throws IsodexError `bad-file` when it cannot be written
 */
export async function writeHdf5(path: string, content: Hdf5Content): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'isodex-hdf5-'));
  try {
    const temporary = join(folder, 'file.hdf5');
    const loaded = await loadFor(temporary);
    guarded(loaded, () => fill(loaded, content), 'write');
    await replaceFile(path, [await readFile(temporary)]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function fill({ path, library }: Loaded, { attributes, datasets }: Hdf5Content): void {
  const file = new library.File(path, 'w');
  try {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === 'string') file.create_attribute(name, value);
      else if (typeof value === 'boolean') file.create_attribute(name, Number(value), null, '<b');
      else file.create_attribute(name, value, null, (value | 0) === value ? '<i' : '<d');
    }
    for (const [name, { values, shape }] of Object.entries(datasets)) {
      file.create_dataset({ name, data: values, shape: [...shape], dtype: values instanceof Float32Array ? '<f' : '<i' });
    }
  } finally {
    file.close();
  }
}

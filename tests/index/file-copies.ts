/** What tests of index files share: names in a folder that goes with the tests, and an index as its file gives it back. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import type { VectorIndex } from '../../src/index/vector-index.ts';
import { fromBytes, openIndex } from '../../src/node.ts';
import { expectSameBytes } from './helpers.ts';

/** A folder; each call of what it returns names a file in it that is not there yet. */
export async function freshNames(prefix: string): Promise<() => string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  afterAll(() => rm(folder, { recursive: true }));
  let names = 0;
  return () => join(folder, `${names++}.isodex`);
}

/** Every way there is from an index to one like it, by a file at `path`. */
export async function copiesOf<I extends VectorIndex>(index: I, path: string, engine: Engine): Promise<Record<string, I>> {
  await index.save(path);
  const bytes = await index.toBytes();
  expectSameBytes(await readFile(path), bytes);
  const made = {
    memory: openIndex(path, { engine }),
    disk: openIndex(path, { engine, originals: 'disk' }),
    bytes: fromBytes(bytes, { engine }),
  };
  return Object.fromEntries(await Promise.all(Object.entries(made).map(async ([name, one]) => [name, (await one) as unknown as I])));
}

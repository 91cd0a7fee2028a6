import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { openVectors } from '../../src/io/vector-source.ts';
import { type ErrorCode, IsodexError } from '../../src/util/errors.ts';

const folder = fileURLToPath(new URL('../fixtures/io/', import.meta.url));

/** A file that tests/fixtures/io/make.py wrote. */
export function fixture(name: string): string {
  return join(folder, name);
}

interface Expected {
  floats: number[][];
  u8: number[][];
  i8: number[][];
  labels: number[][];
}

/** The numbers that the fixtures hold, `[37, 5]` and `[37, 4]`. */
export const expected = Object.fromEntries(
  readFileSync(fixture('expected.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; rows: number[][] })
    .map(({ name, rows }) => [name, rows]),
) as unknown as Expected;

/** A folder of this test file's own, and files in it. */
export class Scratch {
  readonly #path = mkdtempSync(join(tmpdir(), 'isodex-io-'));

  at(name: string): string {
    return join(this.#path, name);
  }

  /** Writes a file and gives its path. */
  file(name: string, content: string | Uint8Array): string {
    writeFileSync(this.at(name), content);
    return this.at(name);
  }

  /** A copy of a fixture, with its bytes changed. */
  changed(name: string, change: (bytes: Buffer) => Uint8Array | undefined): string {
    const bytes = readFileSync(fixture(name));
    return this.file(basename(name), change(bytes) ?? bytes);
  }

  names(): string[] {
    return readdirSync(this.#path);
  }

  remove(): void {
    rmSync(this.#path, { recursive: true });
  }
}

/** Expects an IsodexError of this code whose message names everything in `parts`. */
export async function expectError(promise: Promise<unknown>, code: ErrorCode, ...parts: (string | RegExp)[]): Promise<void> {
  const error = await promise.then(
    () => expect.fail('no error'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(IsodexError);
  expect((error as IsodexError).code, (error as IsodexError).message).toBe(code);
  for (const part of parts) expect((error as IsodexError).message).toMatch(part);
}

/** All rows of a file, read in batches of `rows`, and the sizes of the batches. */
export async function readBatches(path: string, options: { rows?: number; limit?: number; field?: string } = {}) {
  const { field, ...rest } = options;
  const source = await openVectors(path, { field });
  try {
    const values: number[] = [];
    const sizes: number[] = [];
    for await (const batch of source.batches(rest)) {
      values.push(...batch);
      sizes.push(batch.length / source.dim);
    }
    return { values, sizes, source };
  } finally {
    await source.close();
  }
}

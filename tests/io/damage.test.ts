import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { checkRuns } from '../../src/io/parquet-runs.ts';
import { readVectors } from '../../src/io/vector-source.ts';
import { IsodexError } from '../../src/util/errors.ts';
import { fixture, Scratch } from './fixtures.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const seed = Number(process.env.ISODEX_TEST_SEED ?? Date.now() % 2 ** 31);
console.info(`tests/io/damage: seed ${seed} (set ISODEX_TEST_SEED to repeat)`);

/** Numbers 0 to n - 1 that depend on the seed only. */
function randomFrom(state: number): (n: number) => number {
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const files = ['a.fvecs', 'a.fbin', 'f32.npy', 'i8.idx', 'f64.idx.gz', 'objects.jsonl', 'objects.jsonl.gz', 'ann.hdf5'];
const parquet = ['snappy.parquet', 'pages2.parquet', 'plain.parquet', 'gzip.parquet', 'split.parquet', 'required.parquet'];

describe('a file with a few bytes changed', () => {
  it.each([...files, ...parquet])('%s is read or refused, and soon', async (name) => {
    const random = randomFrom(seed);
    const whole = readFileSync(fixture(name));
    for (let run = 0; run < 60; run++) {
      const bytes = Buffer.from(whole);
      for (let change = 0; change <= random(3); change++) bytes[random(bytes.length)] = random(256);
      const error: unknown = await readVectors(scratch.file(name, bytes)).catch((reason: unknown) => reason);
      if (error instanceof Error) expect(error, `seed ${seed}, run ${run}`).toBeInstanceOf(IsodexError);
    }
  });
});

describe('checkRuns', () => {
  const check =
    (bytes: number[], count: number, isExact = true, width = 1) =>
    () =>
      checkRuns(Uint8Array.from(bytes), 0, bytes.length, width, count, isExact);

  it('accepts runs that give the count, packed ones with padding', () => {
    expect(check([10, 1], 5)).not.toThrow();
    expect(check([3, 255], 5)).not.toThrow();
    expect(check([65, ...new Array(32).fill(255)], 5)).not.toThrow();
    expect(check([6, 1, 3, 255], 11)).not.toThrow();
    expect(check([], 0)).not.toThrow();
    expect(check([6, 1], 11, false)).not.toThrow();
  });

  it('refuses runs that are too long, too short or cut', () => {
    expect(check([12, 1], 5)).toThrow('6 numbers where 5');
    expect(check([0xff, 0xff, 0x7f, 255], 5)).toThrow('8388600 numbers where 5');
    expect(check([6, 1], 5)).toThrow('passes the end');
    expect(check([0x80], 5)).toThrow('passes the end');
    expect(check([0xff, 0xff, 0xff, 0xff, 0xff, 1], 5)).toThrow('passes the end');
    expect(check([0xfe, 0xff, 0xff, 0xff, 15, 1], 5)).toThrow('2147483647 numbers');
  });
});

import { readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { abortable } from '../../src/io/batches.ts';
import { openVectors, readVectors } from '../../src/io/vector-source.ts';
import { writeVectors } from '../../src/io/write.ts';
import { fixture, Scratch } from './fixtures.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const files = ['a.fvecs', 'a.fbin', 'f32.npy', 'f32.idx', 'f64.idx.gz', 'ann.hdf5', 'objects.jsonl', 'objects.jsonl.gz', 'snappy.parquet'];

describe.each(files)('%s', (name) => {
  it('rejects with the reason of a signal that has aborted', async () => {
    const reason = new Error('no longer wanted');
    await expect(readVectors(fixture(name), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const source = await openVectors(fixture(name));
    await expect(
      source
        .batches({ signal: AbortSignal.abort(reason) })
        [Symbol.asyncIterator]()
        .next(),
    ).rejects.toBe(reason);
    await source.close();
  });

  it('rejects with the reason of a signal that aborts between batches', async () => {
    const controller = new AbortController();
    const source = await openVectors(fixture(name));
    let batches = 0;
    const reading = (async () => {
      for await (const _ of source.batches({ rows: 5, signal: controller.signal })) {
        if (++batches === 2) controller.abort('stop');
      }
    })();
    await expect(reading).rejects.toBe('stop');
    expect(batches).toBe(2);
    await source.close();
  });
});

describe('an abort', () => {
  it('does not wait for a read that does not end', async () => {
    const controller = new AbortController();
    // It stands for a disk that never answers.
    async function* never(): AsyncGenerator<number> {
      await new Promise(() => undefined);
    }
    const next = abortable(never(), controller.signal).next();
    setTimeout(() => controller.abort('enough'), 5);
    await expect(next).rejects.toBe('enough');
  });

  it.skipIf(process.platform !== 'linux')('in the middle of a large file leaves nothing open', async () => {
    await writeVectors(scratch.at('large.npy'), new Float32Array(4_000_000), 4);
    scratch.file('large.jsonl.gz', gzipSync('[1,2,3,4]\n'.repeat(400_000), { level: 1 }));
    const before = readdirSync('/proc/self/fd').length;
    for (const name of ['large.npy', 'large.jsonl.gz']) {
      const controller = new AbortController();
      setTimeout(() => controller.abort('late'), 3);
      await expect(readVectors(scratch.at(name), { signal: controller.signal })).rejects.toBe('late');
    }
    await expect.poll(() => readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });

  it.skipIf(process.platform !== 'linux')('is not needed to stop early: leaving the loop closes what was opened', async () => {
    const before = readdirSync('/proc/self/fd').length;
    for (const name of files) {
      const source = await openVectors(fixture(name));
      for await (const _ of source.batches({ rows: 1 })) break;
      await source.close();
    }
    await expect.poll(() => readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });
});

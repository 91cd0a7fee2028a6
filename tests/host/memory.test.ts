import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WasmMemory } from '../../src/host/cpu/memory.ts';
import { seed } from '../contract/data.ts';

interface Run {
  at: number;
  bytes: number;
  mark: number;
}

const sizeOf = (bytes: number) => Math.max(64, Math.ceil(bytes / 64) * 64);

/** Sizes around the alignment and around a page, and now and then a large one. */
const sizes = fc.oneof(fc.nat(200), fc.integer({ min: 65_400, max: 65_700 }), fc.integer({ min: 1, max: 400_000 }));
const steps = fc.array(
  fc.oneof({ weight: 3, arbitrary: sizes.map((bytes) => ({ bytes })) }, { weight: 2, arbitrary: fc.nat().map((free) => ({ free })) }),
  {
    minLength: 5,
    maxLength: 60,
  },
);

/** Allocates and checks that the run is aligned, inside the memory, apart from all others, and zeroed. */
function take(memory: WasmMemory, live: readonly Run[], bytes: number, mark: number): Run {
  const at = memory.allocate(bytes);
  expect(at % 64).toBe(0);
  expect(at).toBeGreaterThan(0);
  expect(at + bytes).toBeLessThanOrEqual(memory.buffer.byteLength);
  for (const other of live) expect(at >= other.at + sizeOf(other.bytes) || at + sizeOf(bytes) <= other.at).toBe(true);
  const own = new Uint8Array(memory.buffer, at, bytes);
  expect(own.every((byte) => byte === 0)).toBe(true);
  own.fill(mark);
  return { at, bytes, mark };
}

describe.each([false, true])('the allocator, shared: %s', (shared) => {
  it(`keeps runs apart, zeroed and whole, and uses freed memory again (seed ${seed})`, () => {
    fc.assert(
      fc.property(steps, (list) => {
        const memory = new WasmMemory(shared);
        const live: Run[] = [];
        const free = (run: Run) => {
          expect(new Uint8Array(memory.buffer, run.at, run.bytes).every((byte) => byte === run.mark)).toBe(true);
          memory.free(run.at, run.bytes);
        };
        for (const [i, step] of list.entries()) {
          if ('bytes' in step) live.push(take(memory, live, step.bytes, 1 + (i % 255)));
          else if (live.length > 0) free(live.splice(step.free % live.length, 1)[0]!);
          expect(memory.usedBytes).toBe(live.reduce((sum, { bytes }) => sum + sizeOf(bytes), 0));
        }
        for (const run of live.splice(0)) free(run);
        expect(memory.usedBytes).toBe(0);
        const grown = memory.buffer.byteLength;
        const whole = take(memory, [], grown - 65_536, 1); // all that was freed is one run again
        expect(whole.at).toBe(65_536);
        expect(memory.buffer.byteLength).toBe(grown);
      }),
      { seed, numRuns: 25 },
    );
  });

  it('fills a hole before it grows', () => {
    const memory = new WasmMemory(shared);
    const [a, b, c] = [memory.allocate(1000), memory.allocate(2000), memory.allocate(3000)];
    memory.free(b, 2000);
    expect(memory.allocate(1500)).toBe(b);
    expect(memory.allocate(512)).toBe(b + 1536); // the rest of the hole
    expect(memory.allocate(64)).toBeGreaterThan(c);
    expect(a).toBe(65_536);
  });

  it('rejects what does not fit with out-of-memory and stays as it was', () => {
    const memory = new WasmMemory(shared);
    const at = memory.allocate(100);
    new Uint8Array(memory.buffer, at, 100).fill(7);
    const hole = memory.allocate(64);
    memory.free(hole, 64);
    for (const bytes of [2 ** 32, 2 ** 33, 2 ** 52])
      expect(() => memory.allocate(bytes)).toThrow(expect.objectContaining({ code: 'out-of-memory' }));
    expect(memory.usedBytes).toBe(128);
    expect(memory.allocate(200_000)).toBe(hole);
    expect(new Uint8Array(memory.buffer, at, 100).every((byte) => byte === 7)).toBe(true);
  });
});

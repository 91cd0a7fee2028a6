import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Beam } from '../../../src/kernels/cpu/beam.ts';
import { seed } from '../../contract/data.ts';
import { modelBeam } from './graph-model.ts';

interface Step {
  /** Node to insert; undefined: expand the nearest. */
  readonly id: number | undefined;
}

const NODES = 90;
/** Few keys and many nodes, so that ties abound; and the ends of i32. */
const keys = fc.array(fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 0)), {
  minLength: NODES,
  maxLength: NODES,
});
const steps = fc.array(
  fc.record({ id: fc.oneof({ weight: 5, arbitrary: fc.nat(NODES - 1) }, { weight: 1, arbitrary: fc.constant(undefined) }) }),
  { maxLength: 200 },
);
const bits = (share: number) =>
  fc.array(
    fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x < share),
    { minLength: NODES, maxLength: NODES },
  );
const filters = fc.oneof(fc.constant(undefined), bits(0), bits(0.1), bits(0.5), bits(0.9), bits(1.1));

/** Plays the steps on a beam and on the definition, and compares after each of them. */
function play(list: readonly Step[], ef: number, keyOf: readonly number[], admits: readonly boolean[] | undefined): void {
  const words = new Uint32Array(Math.ceil(NODES / 32));
  for (const [id, admitted] of (admits ?? []).entries()) if (admitted) words[id >> 5]! |= 1 << (id & 31);
  const admitted = admits && ((id: number) => admits[id]!);
  const beam = new Beam(ef, admits && words);
  const seen = new Map<number, { id: number; key: number }>();
  const expanded = new Set<number>();
  for (const { id } of list) {
    const before = modelBeam([...seen.values()], ef, admitted);
    if (id === undefined) {
      const next = before.find((one) => !expanded.has(one.id));
      expect(beam.expandNearest()).toBe(next?.id ?? -1);
      if (next) expanded.add(next.id);
      continue;
    }
    const key = keyOf[id]!;
    seen.set(id, { id, key });
    const after = modelBeam([...seen.values()], ef, admitted);
    if (before.every((one) => one.id !== id)) expect(beam.accepts(key, id)).toBe(after.some((one) => one.id === id));
    beam.insert(key, id);
    expect(beam.ids).toEqual(after.map((one) => one.id));
    expect(beam.keys).toEqual(after.map((one) => one.key));
  }
}

describe('Beam', () => {
  it('is at every moment what its definition says, whatever comes in which order, and how often', () => {
    fc.assert(fc.property(steps, fc.integer({ min: 1, max: 24 }), keys, filters, play), { seed, numRuns: 2000 });
  });

  it('ends the same whatever the order', () => {
    const order = fc.uniqueArray(fc.nat(NODES - 1), { minLength: 2, maxLength: NODES });
    fc.assert(
      fc.property(order, fc.integer({ min: 1, max: 9 }), keys, bits(0.4), (ids, ef, keyOf, admits) => {
        play(
          [...ids, ...ids.slice(0, 9)].map((id) => ({ id })),
          ef,
          keyOf,
          admits,
        );
        play(
          [...ids].reverse().map((id) => ({ id })),
          ef,
          keyOf,
          admits,
        );
      }),
      { seed, numRuns: 300 },
    );
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SortedBeam } from '../../src/index/sorted-beam.ts';
import { Beam } from '../../src/kernels/cpu/beam.ts';
import { setBit } from '../../src/util/bits.ts';
import { seed } from '../contract/data.ts';

const NODES = 90;
/** Few keys and many nodes, so that ties abound; and the ends of i32. */
const keys = fc.array(fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1)), {
  minLength: NODES,
  maxLength: NODES,
});
/** Nodes to insert; undefined: the nearest is expanded. */
const steps = fc.array(fc.option(fc.nat(NODES - 1), { freq: 5, nil: undefined }), { maxLength: 200 });
const filters = fc.option(fc.tuple(fc.constantFrom(0, 0.1, 0.5, 0.9, 1), fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }))), {
  nil: undefined,
});

it('holds after every step what the specification holds', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 24 }), keys, filters, (list, ef, keyOf, filter) => {
      const bits = filter && new Uint32Array(Math.ceil(NODES / 32));
      if (filter) for (let id = 0; id < NODES; id++) if (filter[1].next().value < filter[0]) setBit(bits!, id);
      const beam = new SortedBeam(ef, bits);
      const expected = new Beam(ef, bits);
      for (const id of list) {
        if (id === undefined) expect(beam.expandNearest()).toBe(expected.expandNearest());
        else {
          beam.insert(keyOf[id]!, id);
          expected.insert(keyOf[id]!, id);
        }
        const entries = Array.from({ length: beam.length }, (_, i) => [beam.keyAt(i), beam.idAt(i)]);
        expect(entries).toEqual(expected.ids.map((one, i) => [expected.keys[i], one]));
      }
      for (const id of expected.ids) expect(beam.mayReturn(id)).toBe(expected.mayReturn(id));
    }),
    { seed, numRuns: 1000 },
  );
});

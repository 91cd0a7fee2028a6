/** Arguments that are none, from callers without types. */
import { afterAll, describe, expect, it } from 'vitest';
import { createIndex, estimate, labelBitset, openEngine, openIndex } from '../../src/node.ts';

const engine = await openEngine({ prefer: 'reference' });
afterAll(() => engine.close());

describe('what is no option', () => {
  it('is refused by every call', async () => {
    using index = await createIndex('Flat', { dim: 2, engine });
    const rows = Float32Array.of(1, 2);
    await index.add(rows);
    for (const [given, said] of [
      [null, 'options is null; give an object'],
      [7, 'options is 7; give an object'],
      ['k', "options is 'k'; give an object"],
    ] as [never, string][]) {
      await expect(index.search(rows, given)).rejects.toThrow(said);
      await expect(index.rangeSearch(rows, 1, given)).rejects.toThrow(said);
      await expect(index.add(rows, given)).rejects.toThrow(said);
    }
    expect(index.size).toBe(1);
  });

  it('is refused by name', async () => {
    await expect(openIndex('any.isodex', { originals: 'tape' as never })).rejects.toThrow("originals is 'tape'; give 'memory' or 'disk'");
    expect(() => estimate('Flat', undefined as never)).toThrow('estimate needs to know n and dim; give { n, dim }');
    for (const label of [-1, 0.5, 2 ** 31, 'x' as never]) {
      expect(() => labelBitset([3, label])).toThrow(`labels[1] is ${label}; labels are integers from 0 to 2147483647`);
    }
    expect(labelBitset([0, 33])).toEqual(Uint32Array.of(1, 2));
  });
});

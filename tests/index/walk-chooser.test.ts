/** Where walks go, from what they cost: reckoned, learned, and with the graph still to be sent. */
import { describe, expect, it } from 'vitest';
import type { Engine, WalkChoice } from '../../src/host/engine.ts';
import { WalkChooser, type WalkLoad } from '../../src/index/walk-chooser.ts';

/** A query takes a millisecond on the host, ten of them alike; alone on the device ten, a thousand at a time. */
const choice: WalkChoice = {
  device: {} as Engine,
  costs: {
    host: { termsPerMs: 1000, waitMs: 0, uploadPerMs: Number.MAX_VALUE, walkPerMs: 10_000, alonePerMs: 1000 },
    device: { termsPerMs: 100_000, waitMs: 1, uploadPerMs: 1e6, walkPerMs: 100_000, alonePerMs: 100 },
  },
};
const load = (queries: number, rest: Partial<WalkLoad> = {}): WalkLoad => ({ queries, terms: 1000, rounds: 0, uploadBytes: 0, ...rest });

describe('walks of an auto engine', () => {
  it('go where they take less time', () => {
    const chooser = new WalkChooser();
    expect([1, 10, 99].map((n) => chooser.choose(choice, load(n)))).toEqual(['host', 'host', 'host']); // 1, 1, 9.9 ms, or 10
    expect([101, 1e6].map((n) => chooser.choose(choice, load(n)))).toEqual(['device', 'device']); // 10.1 ms or 10
  });

  it('count what lock-step waits for, and calls that follow one another', () => {
    const chooser = new WalkChooser();
    expect(chooser.reckon('device', choice, load(1000, { rounds: 64 }))).toBe(64 + 10);
    expect(chooser.reckon('host', choice, load(1000, { rounds: 64 }))).toBe(100);
    expect(chooser.choose(choice, load(1000, { rounds: 64 }))).toBe('device');
    expect(chooser.choose(choice, load(1000, { rounds: 200 }))).toBe('host');
    // A hundred calls of ten: 1 ms each on the host, 10 ms on the device.
    expect(chooser.choose(choice, load(1000, { calls: 100 }))).toBe('host');
  });

  it('learn what they take on this graph, but for the first one', () => {
    const chooser = new WalkChooser();
    chooser.note('host', choice, load(10), 1000); // compiles
    expect(chooser.reckon('host', choice, load(10))).toBe(1);
    chooser.note('host', choice, load(10), 5);
    expect(chooser.reckon('host', choice, load(20))).toBe(10);
    expect(chooser.choose(choice, load(30))).toBe('device'); // 15 ms or 10
    for (let i = 0; i < 30; i++) chooser.note('device', choice, load(30), 40);
    expect(chooser.choose(choice, load(30))).toBe('host'); // 15 ms or 40
    for (let i = 0; i < 30; i++) chooser.note('host', choice, load(10), 1);
    expect(chooser.reckon('host', choice, load(10))).toBeCloseTo(1, 3);
    chooser.note('host', choice, load(10), 1e9);
    expect(chooser.reckon('host', choice, load(10))).toBeLessThan(40);
  });

  it('try a place again that looked too dear once', () => {
    const chooser = new WalkChooser();
    for (let i = 0; i < 2; i++) chooser.note('device', choice, load(1000), 700); // 10 ms were reckoned
    const places = Array.from({ length: 3000 }, () => chooser.choose(choice, load(1000))); // 100 ms or, once it is forgotten, 10
    expect(places.slice(0, 100)).toEqual(new Array(100).fill('host'));
    expect(places.at(-1)).toBe('device');
  });

  it('send the graph once they have lost on the host what that takes', () => {
    const chooser = new WalkChooser();
    const uploadBytes = 100e6; // 100 ms
    expect(chooser.choose(choice, load(2000, { uploadBytes }))).toBe('device'); // 200 ms or 20 + 100
    // 20 ms or 10: the tenth call makes up for it.
    const places = Array.from({ length: 11 }, () => chooser.choose(choice, load(200, { uploadBytes })));
    expect(places).toEqual([...new Array(9).fill('host'), 'device', 'host']);
    expect(chooser.choose(choice, load(5, { uploadBytes }))).toBe('host');
  });
});

import { describe, expect, it } from 'vitest';
import { envelope, speedAt } from '../../bench/hnsw/curve.ts';

const point = (recall: number, queriesPerSecond: number) => ({ recall, queriesPerSecond });

describe('envelope', () => {
  it('keeps what no other point beats, by increasing recall', () => {
    const points = [point(0.9, 1000), point(0.8, 900), point(0.95, 500), point(0.99, 600), point(0.99, 400)];
    expect(envelope(points)).toEqual([point(0.9, 1000), point(0.99, 600)]);
    expect(envelope([])).toEqual([]);
  });
});

describe('speedAt', () => {
  const points = [point(0.9, 1000), point(0.98, 10)];

  it('interpolates the logarithm of the speed between neighbours', () => {
    expect(speedAt(points, 0.94)!.queriesPerSecond).toBeCloseTo(100);
    expect(speedAt(points, 0.98)).toEqual({ queriesPerSecond: 10, atLeast: false });
    expect(speedAt(points, 0.9)).toEqual({ queriesPerSecond: 1000, atLeast: false });
  });

  it('marks a recall below all points, and has nothing for one above', () => {
    expect(speedAt(points, 0.5)).toEqual({ queriesPerSecond: 1000, atLeast: true });
    expect(speedAt(points, 0.99)).toBeUndefined();
    expect(speedAt([], 0.5)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { graphWork, timeLeft } from '../../src/cli/progress.ts';
import { formatDuration } from '../../src/cli/table.ts';

describe('the time left', () => {
  const even = (n: number) => n;

  it('is that of the steps to come at the pace so far', () => {
    expect(timeLeft(1000, 0, 25, 100, even)).toBe(3000);
    expect(timeLeft(1000, 20, 45, 100, even)).toBe(2200); // the first 20 were there before
    expect(timeLeft(1000, 0, 100, 100, even)).toBe(0);
  });

  it('is not known before there was any', () => {
    expect(timeLeft(0, 5, 5, 10, even)).not.toBeLessThan(Infinity);
  });

  it('counts later rows of a graph as more work', () => {
    expect(timeLeft(1000, 0, 50, 100, graphWork)).toBeGreaterThan(1200);
    expect(timeLeft(1000, 0, 50, 100, graphWork)).toBeLessThan(1500);
  });

  it('is told in words', () => {
    const told = [0.4, 59.4, 59.6, 61, 3599, 3661, 90_000].map(formatDuration);
    expect(told).toEqual(['0 s', '59 s', '1 min 0 s', '1 min 1 s', '59 min 59 s', '1 h 1 min', '25 h 0 min']);
  });
});

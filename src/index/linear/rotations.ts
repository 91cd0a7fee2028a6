/** Rotations of neighbouring rows, kept until there are many and then done for a few columns at a time, in the cache. */
import type { Breather } from '../../util/tasks.ts';

const COLUMNS = 4;
/** Sweeps over all rows that are kept, at least. */
const KEPT_SWEEPS = 32;
const KEPT_ROTATIONS = 2 ** 15;

/** Rotations top … bottom of a sweep, their cosines and sines from `at` on. */
interface Sweep {
  readonly top: number;
  readonly bottom: number;
  readonly at: number;
}

export class Rotations {
  private readonly matrix: Float64Array;
  private readonly d: number;
  private readonly breather: Breather;
  /** Cosine and sine of each. */
  private readonly angles: Float64Array;
  private readonly sweeps: Sweep[] = [];
  private used = 0;
  private begun = 0;
  private readonly panel: Float64Array;

  /** Of the rows of `matrix` [d, d]. */
  constructor(matrix: Float64Array, d: number, breather: Breather) {
    this.matrix = matrix;
    this.d = d;
    this.breather = breather;
    this.angles = new Float64Array(2 * Math.max(KEPT_ROTATIONS, KEPT_SWEEPS * d));
    this.panel = new Float64Array(COLUMNS * d);
  }

  /** Whether another sweep may find no room. */
  get full(): boolean {
    return this.used + 2 * this.d > this.angles.length;
  }

  /** The next rotation of a sweep that goes from high rows to low ones: row i + 1 becomes c · (i + 1) + s · i, row i becomes c · i − s · (i + 1). */
  add(c: number, s: number): void {
    this.angles[this.used++] = c;
    this.angles[this.used++] = s;
  }

  /** Ends a sweep whose first rotation was of rows `top` and top + 1. */
  endSweep(top: number): void {
    const count = (this.used - this.begun) / 2;
    if (count > 0) this.sweeps.push({ top, bottom: top - count + 1, at: this.begun });
    this.begun = this.used;
  }

  /** Does what was kept. */
  async flush(): Promise<void> {
    for (let column = 0; column < this.d && this.sweeps.length > 0; column += COLUMNS) {
      this.turnColumns(column);
      await this.breather.breathe();
    }
    this.sweeps.length = 0;
    this.begun = this.used = 0;
  }

  private turnColumns(column: number): void {
    const first = this.sweeps.reduce((least, { bottom }) => Math.min(least, bottom), this.d);
    const width = Math.min(COLUMNS, this.d - column);
    const { matrix, panel, d } = this;
    for (let row = first; row < d; row++) for (let j = 0; j < width; j++) panel[row * COLUMNS + j] = matrix[row * d + column + j]!;
    for (const sweep of this.sweeps) turn(panel, this.angles, sweep);
    for (let row = first; row < d; row++) for (let j = 0; j < width; j++) matrix[row * d + column + j] = panel[row * COLUMNS + j]!;
  }
}

/** One sweep over a panel [d, 4]. The row that the next rotation takes up again stays in registers. */
function turn(panel: Float64Array, angles: Float64Array, { top, bottom, at }: Sweep): void {
  let x = 4 * (top + 1);
  let [r0, r1, r2, r3] = [panel[x]!, panel[x + 1]!, panel[x + 2]!, panel[x + 3]!];
  for (let angle = at; x > 4 * bottom; x -= 4, angle += 2) {
    const c = angles[angle]!;
    const s = angles[angle + 1]!;
    const y0 = panel[x - 4]!;
    const y1 = panel[x - 3]!;
    const y2 = panel[x - 2]!;
    const y3 = panel[x - 1]!;
    panel[x] = c * r0 + s * y0;
    panel[x + 1] = c * r1 + s * y1;
    panel[x + 2] = c * r2 + s * y2;
    panel[x + 3] = c * r3 + s * y3;
    r0 = c * y0 - s * r0;
    r1 = c * y1 - s * r1;
    r2 = c * y2 - s * r2;
    r3 = c * y3 - s * r3;
  }
  panel[x] = r0;
  panel[x + 1] = r1;
  panel[x + 2] = r2;
  panel[x + 3] = r3;
}

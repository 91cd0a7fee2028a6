import { BLOCK, QUERY_BLOCK, weightAt } from '../../kernels/cpu/block-dot.ts';
import { roundTiesToEven } from '../../util/math.ts';
import { ListPlaces, MOST, MOST_SHIFT } from './list-places.ts';
import type { LvqPlan } from './lvq-codes.ts';

/** A query made ready: by what terms of rows are shifted, what 1 of a key is worth, and how far off by weights a score may be. */
export interface Weighed {
  readonly shift: number;
  readonly unit: number;
  readonly error: number;
}

const MOST_WEIGHT = 32_766; // one more makes a sum even

/** Integer keys of rows whose u is a scale times a step times numbers around zero (ListPlaces), in blocks. */
export class LvqScores {
  /** What 1 of a row's term is worth. */
  readonly unit: number;
  readonly places: ListPlaces;
  private readonly plan: LvqPlan;

  constructor(plan: LvqPlan, centroids: Float32Array, byProduct: boolean) {
    this.plan = plan;
    this.places = new ListPlaces(plan.offset, centroids, byProduct);
    this.unit = this.mostTerm() / MOST || 1;
  }

  /** The term of a row f64 [width] in a list: |u|² + 2 (C − mean) · u. */
  term(u: Float64Array, list: number): number {
    const { centroids, mean } = this.places;
    const from = list * mean.length;
    let sum = 0;
    for (let j = 0; j < mean.length; j++) sum += u[j]! * (u[j]! + 2 * (centroids[from + j]! - mean[j]!));
    return Math.max(-MOST, Math.min(MOST, roundTiesToEven(sum / this.unit)));
  }

  /** Writes a query's blocks to the bytes from `at` on. */
  weigh(query: Float32Array, out: DataView, at: number): Weighed {
    const { bits, step, longest } = this.plan;
    const weights = new Float64Array(bits.length * BLOCK);
    weights.set(this.places.weights(query));
    let [most, squares] = [0, 0];
    for (const [j, weight] of weights.entries()) {
      squares += weight * weight;
      most = Math.max(most, Math.abs(weight) * step[Math.floor(j / BLOCK)]!);
    }
    const least = Math.max(most / MOST_WEIGHT, (Math.sqrt(squares) * longest) / MOST);
    let shift = 0;
    while (this.unit * 2 ** shift < least) shift++;
    const unit = this.places.byProduct ? least || 1 : this.unit * 2 ** shift;
    let off = 0;
    for (let block = 0; block < bits.length; block++) off += this.writeBlock(weights, block, unit, out, at + block * QUERY_BLOCK);
    return { shift: Math.min(MOST_SHIFT, shift), unit, error: Math.sqrt(off) * longest };
  }

  /** Returns the squared length of what rounding takes off the weights of u. */
  private writeBlock(weights: Float64Array, block: number, unit: number, out: DataView, at: number): number {
    const { bits, step } = this.plan;
    out.setInt32(at + 68, bits[block]!, true);
    if (bits[block] === 0 || !(step[block]! > 0)) return 0; // all rows are zeros there
    const from = block * BLOCK;
    const rounded = new Int32Array(BLOCK);
    let sum = 0;
    for (let n = 0; n < BLOCK; n++) {
      rounded[n] = roundTiesToEven((weights[from + n]! * step[block]!) / unit);
      sum += rounded[n]!;
    }
    // Numbers lie around a half: with an even sum what is added is an integer.
    if (sum & 1) {
      rounded[0]! += 1;
      sum += 1;
    }
    out.setInt32(at + 64, -((2 ** bits[block]! - 1) * sum) / 2, true);
    let off = 0;
    for (let n = 0; n < BLOCK; n++) {
      out.setInt16(at + 2 * weightAt(n), rounded[n]!, true);
      const left = weights[from + n]! - (rounded[n]! * unit) / step[block]!;
      off += left * left;
    }
    return off;
  }

  /** What no term of a row exceeds. */
  private mostTerm(): number {
    const { centroids, mean } = this.places;
    const { longest } = this.plan;
    let most = 0;
    for (let from = 0; from < centroids.length; from += mean.length) {
      let squares = 0;
      for (let j = 0; j < mean.length; j++) squares += (centroids[from + j]! - mean[j]!) * (centroids[from + j]! - mean[j]!);
      most = Math.max(most, squares);
    }
    return longest * (longest + 2 * Math.sqrt(most));
  }
}

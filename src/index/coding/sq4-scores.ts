import { roundTiesToEven, roundUp } from '../../util/math.ts';
import { ListPlaces, MOST, MOST_SHIFT } from './list-places.ts';
import { type ScalarRanges, TOP_LEVEL } from './scalar-ranges.ts';

/** What the scan takes at a time. */
const LEAST_STRIDE = 16;

/** Bytes of a row of `dim` numbers of 4 bits. */
export function sq4Stride(dim: number): number {
  return Math.max(LEAST_STRIDE, roundUp(dim / 2, 4));
}

/** Integer keys of rows x̂ = C + low + c · step (ListPlaces): weights of a query for the numbers c, and terms of rows. */
export class Sq4Scores {
  /** What 1 of a row's term is worth. */
  readonly unit: number;
  readonly places: ListPlaces;
  private readonly ranges: ScalarRanges;

  constructor(ranges: ScalarRanges, centroids: Float32Array, byProduct: boolean) {
    this.ranges = ranges;
    this.places = new ListPlaces(ranges.low, centroids, byProduct);
    this.unit = this.mostTerm() / MOST || 1;
  }

  /** The term of a row with numbers u8 [dim] in a list. */
  term(numbers: Uint8Array, list: number): number {
    const { step } = this.ranges;
    const { centroids, mean } = this.places;
    const from = list * step.length;
    let sum = 0;
    for (let j = 0; j < step.length; j++) {
      const value = numbers[j]! * step[j]!;
      sum += value * (value + 2 * (centroids[from + j]! - mean[j]!));
    }
    return roundTiesToEven(sum / this.unit);
  }

  /** Writes a query's weights i16 [dim]; returns by what terms of rows are shifted, and what 1 of a key is worth. */
  weigh(query: Float32Array, weights: Int16Array): { readonly shift: number; readonly unit: number } {
    const { step } = this.ranges;
    const values = this.places.weights(query).map((weight, j) => weight * step[j]!);
    let [most, sum] = [0, 0];
    for (const value of values) {
      most = Math.max(most, Math.abs(value));
      sum += Math.abs(value) * TOP_LEVEL;
    }
    // Half a unit of each weight may be rounded up.
    const least = Math.max(most / 32_767, sum / (MOST - TOP_LEVEL * values.length));
    let shift = 0;
    while (this.unit * 2 ** shift < least) shift++;
    const unit = this.places.byProduct ? least || 1 : this.unit * 2 ** shift;
    for (const [j, value] of values.entries()) weights[j] = roundTiesToEven(value / unit);
    return { shift: Math.min(MOST_SHIFT, shift), unit };
  }

  /** What no term of a row exceeds. */
  private mostTerm(): number {
    const { step } = this.ranges;
    const { centroids, mean } = this.places;
    let sum = 0;
    for (let j = 0; j < step.length; j++) {
      let apart = 0;
      for (let at = j; at < centroids.length; at += step.length) apart = Math.max(apart, Math.abs(centroids[at]! - mean[j]!));
      const value = step[j]! * TOP_LEVEL;
      sum += value * (value + 2 * apart);
    }
    return sum;
  }
}

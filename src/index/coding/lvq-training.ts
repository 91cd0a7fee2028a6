/** Training of locally adaptive codes (lvq-codes.ts): axes, bits of blocks, steps of scales. f64 in a fixed order. */
import type { HostEngine } from '../../host/engine.ts';
import { BLOCK } from '../../kernels/cpu/block-dot.ts';
import { Breather, type TaskOptions } from '../../util/tasks.ts';
import { roundUpToFloat } from '../bounds.ts';
import { meanAndCovariance } from '../linear/covariance.ts';
import { symmetricEigen } from '../linear/eigen.ts';
import { type LinearTransform, linearTransform } from './linear-transform.ts';
import { type LvqPlan, lvqBits, lvqBlocks, MOST_BITS } from './lvq-codes.ts';
import { distortion } from './turning-error.ts';

/** Rows that these codes learn from, at most. */
export const LVQ_ROWS = 16_384;
/** The scale that blocks of the usual length have: others are as much as eight times as long, or 32 times as short. */
const USUAL_SCALE = 32;
/** Rows may be so many times as long as the longest that was learned from. */
const LONGER = 2;
/** What numbers of so many bits lose of a normal distribution, as shares of its variance. */
const LOSS = [1, 0.3634, 0.1188, 0.03744, 0.01154, 0.003495, 0.001041, 3.035e-4, 8.714e-5, 2.467e-5, 6.9e-6];

/** Turns rows f32 [n, dim] to their principal axes, the longest first; `centred` takes their mean from them, too. */
export async function principalAxes(
  host: HostEngine,
  rows: Float32Array,
  dim: number,
  centred: boolean,
  { signal }: TaskOptions,
): Promise<LinearTransform> {
  const { mean, covariance } = await meanAndCovariance(host, rows, dim, { signal });
  const { vectors } = await symmetricEigen(covariance, dim, new Breather(signal));
  return linearTransform(vectors, dim, centred ? Float32Array.from(mean) : new Float32Array(dim));
}

/** The plan for turned rows f32 [n, dim], less their lists' centroids. */
export async function fitLvq(host: HostEngine, rows: Float32Array, rotation: LinearTransform, bitsOfValue: 4 | 8): Promise<LvqPlan> {
  const dim = rotation.dimOut;
  const n = rows.length / dim;
  const sums = new Float64Array(dim);
  for (let at = 0; at < rows.length; at++) sums[at % dim]! += rows[at]!;
  const offset = Float32Array.from(sums, (sum) => sum / Math.max(1, n));
  const blocks = new BlockSizes(rows, offset);
  const bits = shareBits(blocks.squares, lvqBits(dim, bitsOfValue));
  const step = Float32Array.from(blocks.tops, (top, block) => (bits[block] === 0 ? 0 : top / ((2 ** bits[block]! - 1) / 2) / USUAL_SCALE));
  return { rotation, distortion: await distortion(host, rotation), offset, bits, step, longest: roundUpToFloat(LONGER * blocks.longest) };
}

/** How large the blocks of rows are, less an offset. */
class BlockSizes {
  /** [blocks]: mean squared lengths. */
  readonly squares: Float64Array;
  /** [blocks]: largest values, the root of the mean of their squares. */
  readonly tops: Float64Array;
  /** The length of the longest row. */
  readonly longest: number;

  constructor(rows: Float32Array, offset: Float32Array) {
    const dim = offset.length;
    const n = Math.max(1, rows.length / dim);
    this.squares = new Float64Array(lvqBlocks(dim));
    this.tops = new Float64Array(lvqBlocks(dim));
    let longest = 0;
    for (let at = 0; at < rows.length; at += dim) {
      let length = 0;
      for (let from = 0, block = 0; from < dim; from += BLOCK, block++) {
        let [squares, most] = [0, 0];
        for (let j = from; j < Math.min(dim, from + BLOCK); j++) {
          const value = rows[at + j]! - offset[j]!;
          squares += value * value;
          most = Math.max(most, value * value);
        }
        this.squares[block]! += squares / n;
        this.tops[block]! += most / n;
        length += squares;
      }
      longest = Math.max(longest, length);
    }
    for (let block = 0; block < this.tops.length; block++) this.tops[block] = Math.sqrt(this.tops[block]!);
    this.longest = Math.sqrt(longest);
  }
}

/** Gives each of `count` bits to the block where it saves most. */
function shareBits(squares: Float64Array, count: number): Uint8Array {
  const bits = new Uint8Array(squares.length);
  const saved = (block: number) => {
    const b = bits[block]!;
    return b === MOST_BITS ? -1 : squares[block]! * (LOSS[b]! - LOSS[b + 1]!);
  };
  for (let given = 0; given < count; given++) {
    let best = 0;
    for (let block = 1; block < bits.length; block++) if (saved(block) > saved(best)) best = block;
    bits[best]! += 1;
  }
  return bits;
}

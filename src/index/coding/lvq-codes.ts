/**
 * Locally adaptive codes (after LVQ: Aguerrebere et al., VLDB 2023). Rows are turned to their principal axes and cut into blocks of 32
 * values. All rows have the same number of bits for a block, more where values vary more (as transform codes have: Brandt, CVPR 2010),
 * but each row has its own scale for it, the one of 255 that loses least. How much a row lost is measured, and kept with it: no bound
 * of a distance needs chance.
 */
import { BLOCK, numberAt, type Place, placesOf } from '../../kernels/cpu/block-dot.ts';
import { ceilDiv, roundUp } from '../../util/math.ts';
import { roundUpToFloat } from '../bounds.ts';
import type { LinearTransform } from './linear-transform.ts';

/** Bits of a block's numbers, at most. */
export const MOST_BITS = 10;
/** Bytes of what a row lost, an f32. */
const ERROR_BYTES = 4;
const MOST_SCALE = 255;
/** Scales that are tried, as shares of the least one that reaches the largest value: with few bits losing that one loses less. */
const TRIED = 8;
const LEAST_SHARE = [0, 0.2, 0.4] as const;
const USUAL_LEAST_SHARE = 0.55;
const MOST_SHARE = [0, 0.6] as const;

export interface LvqPlan {
  readonly rotation: LinearTransform;
  /** By what share the rotation may change squared lengths (turning-error.ts), an f32. */
  readonly distortion: number;
  /** f32 [dim], taken from turned rows first. */
  readonly offset: Float32Array;
  /** u8 [blocks] */
  readonly bits: Uint8Array;
  /** f32 [blocks]: how far numbers lie apart at scale 1. */
  readonly step: Float32Array;
  /** No row is longer than this when the offset and its list's centroid are taken from it, as its code says it. */
  readonly longest: number;
}

export function lvqBlocks(dim: number): number {
  return ceilDiv(dim, BLOCK);
}

/** Bits of all blocks' numbers together: with scales and errors, a row has `bits` for each value, or, of few values, some more. */
export function lvqBits(dim: number, bits: 4 | 8): number {
  const blocks = lvqBlocks(dim);
  return Math.max((bits - 1) * blocks, Math.floor(bits * blocks - (blocks + ERROR_BYTES) / 4));
}

/** Bytes of a row whose blocks have so many bits together. */
export function lvqStride(dim: number, bits: number): number {
  return 4 * bits + roundUp(lvqBlocks(dim), 4) + ERROR_BYTES;
}

/** Writes and reads rows. */
export class LvqCodes {
  readonly plan: LvqPlan;
  readonly stride: number;
  /** Values of a row in whole blocks. */
  readonly width: number;
  /** The byte where each block begins; behind them the scales. */
  private readonly starts: readonly number[];
  private readonly places: readonly (readonly Place[])[][];

  constructor(plan: LvqPlan) {
    const { bits, offset } = plan;
    this.plan = plan;
    this.width = bits.length * BLOCK;
    const starts = [0];
    for (const b of bits) starts.push(starts.at(-1)! + 4 * b);
    this.starts = starts;
    this.stride = lvqStride(offset.length, starts.at(-1)! / 4);
    this.places = Array.from(bits, (b) => Array.from({ length: BLOCK }, (_, n) => placesOf(b, n)));
  }

  /** What the coded row at a byte is, less offset and centroid: f64 [width], exact. */
  read(codes: Int8Array, at: number, out: Float64Array): void {
    const { bits, step } = this.plan;
    for (let block = 0; block < bits.length; block++) {
      const unit = this.scaleAt(codes, at, block) * step[block]!;
      const middle = (2 ** bits[block]! - 1) / 2;
      const places = this.places[block]!;
      const from = at + this.starts[block]!;
      for (let n = 0; n < BLOCK; n++) out[block * BLOCK + n] = unit * (numberAt(codes, from, places[n]!) - middle);
    }
  }

  /** Codes a row, f64 [width], to where there are zeros; `said` becomes what the code says. Returns the squared length of what is lost. */
  write(row: Float64Array, codes: Int8Array, at: number, said: Float64Array): number {
    const { bits, step, longest, offset } = this.plan;
    let squares = 0;
    for (let block = 0; block < bits.length; block++) {
      const scale =
        bits[block] === 0
          ? 0
          : bestScale(row.subarray(block * BLOCK, Math.min(offset.length, (block + 1) * BLOCK)), bits[block]!, step[block]!);
      this.putBlock(row, codes, at, block, scale);
    }
    this.read(codes, at, said);
    for (const value of said) squares += value * value;
    if (squares > longest * longest) {
      this.shrink(codes, at, longest / Math.sqrt(squares));
      this.read(codes, at, said);
    }
    let lost = 0;
    for (let j = 0; j < offset.length; j++) lost += (row[j]! - said[j]!) * (row[j]! - said[j]!);
    return lost;
  }

  /** An upper bound of what the coded row at a byte lost. */
  errorAt(codes: Int8Array, at: number): number {
    return new DataView(codes.buffer, codes.byteOffset).getFloat32(at + this.stride - ERROR_BYTES, true);
  }

  putError(codes: Int8Array, at: number, error: number): void {
    new DataView(codes.buffer, codes.byteOffset).setFloat32(at + this.stride - ERROR_BYTES, roundUpToFloat(error), true);
  }

  private scaleAt(codes: Int8Array, at: number, block: number): number {
    return codes[at + this.starts.at(-1)! + block]! & 255;
  }

  private putBlock(row: Float64Array, codes: Int8Array, at: number, block: number, scale: number): void {
    codes[at + this.starts.at(-1)! + block] = scale;
    if (scale === 0) return;
    const { bits, step } = this.plan;
    const places = this.places[block]!;
    const from = at + this.starts[block]!;
    for (let n = 0; n < BLOCK; n++) {
      const number = numberOf(row[block * BLOCK + n]!, scale * step[block]!, bits[block]!);
      for (const { byte, from: bit, width, shift } of places[n]!) codes[from + byte]! |= ((number >> shift) & ((1 << width) - 1)) << bit;
    }
  }

  /** Makes all scales smaller. */
  private shrink(codes: Int8Array, at: number, by: number): void {
    for (let block = 0; block < this.plan.bits.length; block++) {
      codes[at + this.starts.at(-1)! + block] = Math.floor(this.scaleAt(codes, at, block) * by);
    }
  }
}

/** The number of a value. */
function numberOf(value: number, unit: number, bits: number): number {
  return Math.max(0, Math.min(2 ** bits - 1, Math.floor(value / unit) + 2 ** (bits - 1)));
}

/** The scale for a block that loses least of those tried; 0 where zeros lose no more. */
function bestScale(block: Float64Array, bits: number, step: number): number {
  let [most, least] = [0, 0];
  for (const value of block) {
    most = Math.max(most, Math.abs(value));
    least += value * value;
  }
  if (!(step > 0)) return 0;
  const full = Math.max(1, Math.min(MOST_SCALE, Math.ceil(most / (step * ((2 ** bits - 1) / 2)))));
  const low = LEAST_SHARE[bits] ?? USUAL_LEAST_SHARE;
  const high = MOST_SHARE[bits] ?? 1;
  let best = 0;
  for (let i = 0, before = 0; i < TRIED; i++) {
    const scale = Math.max(1, Math.round(full * (low + ((high - low) * i) / (TRIED - 1))));
    if (scale === before) continue;
    before = scale;
    const lost = lostBy(block, scale * step, bits, least);
    if (lost < least) [best, least] = [scale, lost];
  }
  return best;
}

/** What is lost of a block, in squares, or a number above `most`. */
function lostBy(block: Float64Array, unit: number, bits: number, most: number): number {
  const half = 2 ** (bits - 1);
  let lost = 0;
  for (const value of block) {
    const cell = Math.max(-half, Math.min(half - 1, Math.floor(value / unit)));
    const left = value - unit * (cell + 0.5);
    lost += left * left;
    if (lost > most) break;
  }
  return lost;
}

/** SQ8 grids, and encoding rows and queries on the host. The codes only steer which rows are refined (docs/identity.md). */
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { type BlocksOf, Recording } from '../host/recording.ts';
import { PANEL_ROWS } from '../kernels/panels.ts';
import { LAYOUT_PANELS, sq8Encode } from '../kernels/sq8-encode.ts';
import { ceilDiv, roundUp } from '../util/math.ts';

/** What a code means: x̂[j] = shift[j] + c[j] / scale. */
export interface Grid {
  readonly dim: number;
  /** Words of four codes in a row: ⌈dim / 4⌉. */
  readonly words: number;
  /** [dim] */
  readonly shift: Float32Array;
  /** An f32, > 0. */
  readonly scale: number;
  /** Added to each measured error: what f64 may have rounded off it; 0 where all of it is exact. */
  readonly errorRoom: number;
}

/** Codes of so many rows: copies, since the host's memory may move whenever anything waits. */
export interface Encoded {
  /** i8, rows up to a multiple of 4 in panels */
  readonly codes: Int8Array;
  /** [n, 2]: Σ c² and Σ c */
  readonly sums: Int32Array;
  /** [n], ‖x − x̂‖ */
  readonly errors: Float64Array;
}

/** Seven bits and a bias for queries of scans, eight for all else. */
export const QUERY_RANGE = { low: -64, high: 63, bias: 64 } as const;
export const ROW_RANGE = { low: -128, high: 127, bias: 0 } as const;

/**
 * The grid for sampled rows f32 [n, dim]: each dimension centred (or, `centred` false, all around zero), one step for all.
 * Integers in 0..255 get shift 128 and scale 1 and lose nothing.
 */
export function gridOf(sample: Float32Array, dim: number, centred: boolean): Grid {
  const n = sample.length / dim;
  const words = ceilDiv(dim, 4);
  if (centred && sample.every((x) => x >= 0 && x <= 255 && Number.isInteger(x))) {
    return { dim, words, shift: new Float32Array(dim).fill(128), scale: 1, errorRoom: 0 };
  }
  const shift = new Float32Array(dim);
  let reach = 0;
  for (let j = 0; j < dim; j++) {
    let [low, high] = [Infinity, -Infinity];
    for (let at = j; at < n * dim; at += dim) {
      low = Math.min(low, sample[at]!);
      high = Math.max(high, sample[at]!);
    }
    if (centred) shift[j] = (low + high) / 2;
    reach = Math.max(reach, high - shift[j]!, shift[j]! - low);
  }
  const scale = scaleFor(reach, 127);
  return { dim, words, shift, scale, errorRoom: roomFor({ shift, scale }) };
}

/** The f32 scale that spreads values up to `reach` over `steps` codes: 1 for a range of zero, and never infinite. */
export function scaleFor(reach: number, steps: number): number {
  return reach === 0 ? 1 : Math.min(2 ** 120, Math.max(2 ** -120, Math.fround(steps / reach)));
}

/** What coding at another scale than the grid's adds to its room. */
export function roomAt(grid: Pick<Grid, 'dim' | 'errorRoom'>, scale: number): number {
  return grid.errorRoom === 0 ? 0 : grid.errorRoom + Math.sqrt(grid.dim) * (128 / scale) * 2 ** -50;
}

/** √dim · (largest |shift| + 128 steps) · 2^-50: f64 rounding of x̂, with room. */
export function roomFor({ shift, scale }: Pick<Grid, 'shift' | 'scale'>): number {
  let most = 0;
  for (const s of shift) most = Math.max(most, Math.abs(s));
  return Math.sqrt(shift.length) * (most + 128 / scale) * 2 ** -50;
}

/** A measured error as an upper bound of the true one. */
export function safeError(error: number, errorRoom: number): number {
  return error * (1 + 1e-9) + errorRoom;
}

/** Reusable host blocks for encoding up to `rows` rows of `dim` values at a time. */
export class Encoder implements Disposable {
  private readonly host: HostEngine;
  private readonly dim: number;
  private readonly blocks: BlocksOf<typeof sq8Encode.bindings>;

  private constructor(host: HostEngine, dim: number, blocks: BlocksOf<typeof sq8Encode.bindings>) {
    this.host = host;
    this.dim = dim;
    this.blocks = blocks;
  }

  static async open(host: HostEngine, dim: number, rows: number): Promise<Encoder> {
    const padded = roundUp(rows, PANEL_ROWS);
    return new Encoder(host, dim, {
      vectors: await host.alloc('f32', rows * dim, 'encoder: vectors'),
      shift: await host.alloc('f32', dim, 'encoder: shift'),
      scales: await host.alloc('f32', rows, 'encoder: scales'),
      steps: await host.alloc('f64', rows, 'encoder: steps'),
      codes: await host.alloc('i8', padded * roundUp(dim, 4), 'encoder: codes'),
      sums: await host.alloc('i32', 2 * rows, 'encoder: sums'),
      errors: await host.alloc('f64', rows, 'encoder: errors'),
    });
  }

  /** Where the caller puts the rows to encode, f32 [rows, dim]. */
  get input(): Float32Array {
    return this.host.view(this.blocks.vectors);
  }

  /** The input's block, for kernels that write it. */
  get inputBlock(): Block<'f32'> {
    return this.blocks.vectors;
  }

  /** Encodes the first `n` rows of the input; `scales` is one for all or one for each row. */
  async encode(
    n: number,
    shift: Float32Array,
    scales: number | Float32Array,
    range: typeof QUERY_RANGE | typeof ROW_RANGE,
    layout: number,
  ): Promise<Encoded> {
    const { host, blocks, dim } = this;
    const words = ceilDiv(dim, 4);
    host.write(blocks.shift, shift);
    const scaleView = host.view(blocks.scales).subarray(0, n);
    if (typeof scales === 'number') scaleView.fill(scales);
    else scaleView.set(scales.subarray(0, n));
    host.view(blocks.steps).set(Float64Array.from(scaleView, (scale) => 1 / scale));
    const padded = layout === LAYOUT_PANELS ? roundUp(n, PANEL_ROWS) : n;
    if (padded > n) host.view(blocks.codes).fill(0, n * words * 4 - ((n * words * 4) % (words * 16)), padded * words * 4);
    await host.run(new Recording().dispatch(sq8Encode, blocks, { n, dim, words, layout, ...range }));
    return {
      codes: host.view(blocks.codes).slice(0, padded * words * 4),
      sums: host.view(blocks.sums).slice(0, 2 * n),
      errors: host.view(blocks.errors).slice(0, n),
    };
  }

  [Symbol.dispose](): void {
    for (const block of Object.values(this.blocks)) block[Symbol.dispose]();
  }
}

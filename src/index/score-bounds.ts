import { LANES } from '../kernels/canonical-distances.ts';
import { roundUp } from '../util/math.ts';
import { boundsOfDistance, boundsOfDot, type CanonicalBounds, gamma } from './bounds.ts';
import type { Score } from './coding/list-codec.ts';
import type { LvqListCodec } from './coding/lvq-list-codec.ts';
import { turningError } from './coding/turning-error.ts';
import type { Metric } from './vector-index.ts';

/** What a query is, as it came and turned. */
interface Lengths {
  readonly query: number;
  readonly turned: number;
}

/**
 * Bounds of the canonical distance between a query and a row, by the row's key and what it lost (docs/identity.md, part 12). They hold
 * where nothing but the codec's rotation stands between vectors and codes.
 */
export class ScoreBounds {
  private readonly metric: Metric;
  private readonly codec: LvqListCodec;
  private readonly width: number;
  /** √(1 ± ε) */
  private readonly stretch: number;
  private readonly shrink: number;
  private readonly longest: number;

  constructor(metric: Metric, codec: LvqListCodec) {
    const { distortion, offset } = codec.plan;
    this.metric = metric;
    this.codec = codec;
    this.width = roundUp(offset.length, LANES);
    this.stretch = Math.sqrt(1 + distortion);
    this.shrink = Math.sqrt(1 - distortion);
    this.longest = metric === 'ip' ? codec.longest : 0;
  }

  /** Of a row with this key that lost no more than `lost`. */
  of({ least, unit, error }: Score, key: number, lost: number, lengths: Lengths): CanonicalBounds {
    const score = least + unit * key;
    return this.metric === 'ip' ? this.ofProduct(-score, error, lost, lengths) : this.ofSquare(score, error, lost, lengths.turned);
  }

  /** |q' − x̂|² = score ± error; |q' − y| within what x̂ lost of it; and turning back changes lengths by √(1 ± ε). */
  private ofSquare(score: number, error: number, lost: number, turned: number): CanonicalBounds {
    const off = lost + turningError(this.codec.plan.rotation, turned);
    const near = Math.max(0, Math.sqrt(Math.max(0, score - error)) - off) / this.stretch;
    const far = (Math.sqrt(Math.max(0, score + error)) + off) / this.shrink;
    return boundsOfDistance(this.metric, near, far, this.width);
  }

  /** q' · x̂ = product ± error, by Cauchy and Schwarz. */
  private ofProduct(product: number, error: number, lost: number, { query, turned }: Lengths): CanonicalBounds {
    const longest = this.longest + lost;
    const turning = turned * lost + turningError(this.codec.plan.rotation, turned) * longest;
    const slack = error + turning + (this.codec.plan.distortion + gamma(this.width)) * query * (longest / this.shrink);
    return boundsOfDot(product - slack, product + slack, this.width);
  }
}

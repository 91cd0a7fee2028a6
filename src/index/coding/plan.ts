/** What training gives: plain data, which the index file keeps. */
import type { CodecPlan } from '../graph-codec.ts';
import type { CoarsePlan } from './coarse-plan.ts';
import type { LinearTransform } from './linear-transform.ts';
import type { LvqPlan } from './lvq-codes.ts';
import type { ProductQuantizer } from './product-quantizer.ts';
import type { ScalarRanges } from './scalar-ranges.ts';

export interface TrainedPlan {
  readonly transforms: readonly LinearTransform[];
  /** Where there are lists. */
  readonly coarse: CoarsePlan | undefined;
  /** What a graph is built on; undefined where there is none. */
  readonly build: CodecPlan | undefined;
  readonly codec:
    | { readonly kind: 'sq8'; readonly plan: CodecPlan }
    | { readonly kind: 'pq'; readonly quantizer: ProductQuantizer }
    | { readonly kind: 'lvq'; readonly plan: LvqPlan }
    /** 16-bit floats of rows times a scale, a power of two. */
    | { readonly kind: 'f16'; readonly dim: number; readonly scale: number }
    | { readonly kind: 'sq4'; readonly ranges: ScalarRanges }
    /** Hyperplanes whose sides are the bits of a code. */
    | { readonly kind: 'bits'; readonly planes: LinearTransform };
}

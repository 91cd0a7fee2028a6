/** How long things took, as histograms: percentiles within 1 %, in a few kilobytes however many there were. */
import { constructorFromBucketSize } from 'hdr-histogram-js/dist/JsHistogramFactory.js';

/** What was timed, in milliseconds; all 0 where nothing was. */
export interface Timing {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

const Histogram = constructorFromBucketSize(32);
type Histogram = InstanceType<typeof Histogram>;

/** Of a millisecond: what a histogram counts in. */
const UNITS = 10_000;
const DIGITS = 2;

const NONE: Timing = { count: 0, p50: 0, p95: 0, p99: 0, max: 0 };

export class Timings {
  /** Most kinds of work are never done by most indexes. */
  private histogram: Histogram | undefined;

  /** Something that took so long, `times` times. */
  record(ms: number, times = 1): void {
    this.histogram ??= emptyHistogram();
    this.histogram.recordValueWithCount(Math.max(1, Math.round(ms * UNITS)), times);
  }

  /** Of these and others together. */
  static merged(...all: readonly Timings[]): Timings {
    const sum = new Timings();
    for (const { histogram } of all) {
      if (!histogram) continue;
      sum.histogram ??= emptyHistogram();
      sum.histogram.add(histogram);
    }
    return sum;
  }

  get count(): number {
    return this.histogram?.totalCount ?? 0;
  }

  get summary(): Timing {
    const { histogram } = this;
    if (!histogram) return NONE;
    const max = histogram.maxValue;
    // a percentile is the end of its bucket, which may lie beyond what was ever recorded
    const at = (percent: number) => Math.min(max, histogram.getValueAtPercentile(percent)) / UNITS;
    return { count: histogram.totalCount, p50: at(50), p95: at(95), p99: at(99), max: max / UNITS };
  }
}

function emptyHistogram(): Histogram {
  const histogram = new Histogram(1, 2, DIGITS);
  histogram.autoResize = true;
  return histogram;
}

import { canonicalDistancesTwin } from './cpu/canonical-distances.ts';
import { defineKernel, reads, writes } from './kernel.ts';

/** The metrics, in the order of the kernel's `metric` parameter. */
export const METRIC_CODES = { l2: 0, ip: 1, cosine: 2 } as const;

/** Rows are padded with zeros to a multiple of this many dimensions. */
export const LANES = 16;

/**
 * Canonical distances (shared by all engines, docs/identity.md) of candidate lists given as (query, row) pairs. Host only.
 *
 *   queries f32 [nq, width]   rows f32 [m, width]   pairs u32 [n, 2]   distances f32 [n]; width a multiple of 16
 */
export const canonicalDistances = defineKernel({
  name: 'canonical-distances',
  bindings: { queries: reads('f32'), rows: reads('f32'), pairs: reads('u32'), distances: writes('f32') },
  params: ['n', 'width', 'metric'],
  items: ({ n }) => n,
  terms: ({ n, width }) => n * width,
  twin: canonicalDistancesTwin,
});

/**
 * Certificates: what the canonical k-th distance τ says about the integers of the codes. Every function here rounds to
 * the safe side, so that a row which a bound rules out has a canonical distance above τ. Proofs: docs/identity.md.
 */
import { SATURATED } from '../kernels/sq8-filter.ts';
import type { Metric } from './vector-index.ts';

const U = 2 ** -24;
/** Relative room for the f64 arithmetic of this file itself. */
const ROOM = 1 + 1e-9;
/** Added where a quantity could be lost to f32's subnormals. */
const TINY = 2 ** -126;

/** γ for the canonical sum over `width` dimensions: width / 16 additions in a lane, 4 in the tree, 4 roundings of terms. */
export function gamma(width: number): number {
  const roundings = width / 16 + 8;
  return (roundings * U) / (1 - roundings * U);
}

/** Rounds a non-negative f64 up to an f32. */
export function roundUpToFloat(x: number): number {
  return x === 0 ? 0 : Math.fround(x * (1 + 2 ** -22) + TINY);
}

/**
 * l2, cosine: every row whose canonical distance is ≤ τ lies within this Euclidean distance of the query, as stored.
 * Infinity for τ = Infinity.
 */
export function reachOf(metric: Metric, tau: number, width: number): number {
  const underflow = width * 2 ** -149;
  if (metric === 'l2') return Math.sqrt((Math.max(0, tau) + underflow) / (1 - gamma(width))) * ROOM;
  const dot = gamma(width) * 1.001 + 2 ** -22 + underflow; // the dot product's and the last subtraction's rounding
  return Math.sqrt(Math.max(0, 2 * (tau + dot) + 2 ** -21)) * ROOM; // both squared norms are 1 ± 2^-22
}

/** ip: every row whose canonical distance is ≤ τ has at least this exact dot product, but for γ ‖q‖ ‖x‖ in its slack. */
export function leastDot(tau: number, width: number): number {
  return -tau - width * 2 ** -149;
}

/** What the canonical distance of a row can be, both ends rounded outwards. */
export interface CanonicalBounds {
  readonly least: number;
  readonly most: number;
}

/** l2, cosine: bounds of the canonical distance of a row whose Euclidean distance lies between `near` and `far`. */
export function boundsOfDistance(metric: Metric, near: number, far: number, width: number): CanonicalBounds {
  const low = Math.max(0, near) / ROOM;
  const high = far * ROOM;
  const underflow = width * 2 ** -149;
  if (metric === 'l2') {
    return { least: low * low * (1 - gamma(width)) - underflow, most: outwards(high * high * (1 + gamma(width)) + underflow) };
  }
  const dot = gamma(width) * 1.001 + 2 ** -22 + underflow;
  return { least: (low * low - 2 ** -21) / 2 - dot, most: outwards((high * high + 2 ** -21) / 2 + dot) };
}

/** ip: the same for a row whose dot product, with the canonical one's rounding, lies between `low` and `high`. */
export function boundsOfDot(low: number, high: number, width: number): CanonicalBounds {
  const underflow = width * 2 ** -149;
  const room = (Math.abs(low) + Math.abs(high)) * 1e-9;
  return { least: -high - room - underflow, most: outwards(-low + room + underflow) };
}

/** ip: what the canonical dot product may be off by, per unit of the query's norm: γ ‖x‖. */
export function dotRounding(norm: number, width: number): number {
  return gamma(width) * norm * 1.001;
}

/**
 * l2, cosine: where a row lies whose canonical distance is no greater than that of a row within V of the query: within
 * √(V² (1 + room / 2^24) + more), `more` in 65,536ths of a squared code step; 2^32 − 1 where it does not fit, and nothing follows.
 */
export function narrowRoom(metric: Metric, width: number, scale: number): { readonly room: number; readonly more: number } {
  const underflow = width * 2 ** -149;
  const unit = 65_536 * scale * scale * ROOM;
  const upTo32Bits = (x: number) => Math.min(2 ** 32 - 1, Math.ceil(x));
  if (metric === 'ip') return { room: 0, more: 0 };
  if (metric === 'cosine') return { room: 0, more: upTo32Bits(unit * (4 * (gamma(width) * 1.001 + 2 ** -22 + underflow) + 2 ** -20)) };
  const loss = 2 / (1 - gamma(width));
  return { room: Math.ceil(2 ** 24 * loss * gamma(width) * ROOM), more: upTo32Bits(unit * loss * underflow) };
}

/** Up, by more than rounding to f32 takes off. */
function outwards(x: number): number {
  return x + Math.abs(x) * 2 ** -22 + TINY;
}

/** T of the filter's L2 test, in quarters of a code step; `error` is what the query's code lost. */
export function l2Threshold(reach: number, error: number, scale: number): number {
  return saturate(Math.ceil(4 * scale * (reach + error) * ROOM) + 1);
}

/** A of the filter's L2 test. */
export function l2Slack(error: number, scale: number): number {
  return saturate(Math.ceil(4 * scale * error * ROOM));
}

/** K of the filter's inner-product test, an i32. */
export function ipThreshold(least: number, queryScale: number, rowScale: number): number {
  const product = least * queryScale * rowScale;
  const lowered = Math.floor(product - Math.abs(product) * 1e-9) - 1;
  return Math.max(-(2 ** 30), Math.min(2 ** 30, lowered));
}

/** P and Q of the inner-product test: the query's norm in code steps, and its error in sixteenths of one. */
export function ipQueryTerms(norm: number, error: number, queryScale: number): readonly [P: number, Q: number] {
  return [Math.ceil(norm * queryScale * ROOM) + 1, Math.ceil(16 * error * queryScale * ROOM) + 1];
}

/** A and B of the inner-product test in one word: the row's error in sixteenths of a step, and its coded norm in steps. */
export function ipSlack(error: number, codedNorm: number, rowScale: number): number {
  const a = saturate(Math.ceil(16 * rowScale * error * ROOM));
  return (a | (Math.ceil(codedNorm) << 16)) >>> 0;
}

/** What does not fit counts as saturated, and so does NaN (from Infinity · 0). */
function saturate(x: number): number {
  if (x < SATURATED) return x;
  return SATURATED;
}

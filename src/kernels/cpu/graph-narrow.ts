import { FORMS, NONE, TERM_BYTES } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';

interface NarrowViews {
  queries: Int8Array;
  queryLimbs: Int8Array;
  codesA: Int8Array;
  codesB: Int8Array;
  limbsA: Int8Array;
  limbsB: Int8Array;
  found: Uint32Array;
  lists: Uint32Array;
}

type NarrowParams = ParamsOf<'nq' | 'quads' | 'form' | 'split' | 'ef' | 'length' | 'k' | 'room' | 'more'>;

/** Longer lists are left as they are: workgroups have no room for them. */
export const MOST_NARROWED = 1024;
const SATURATED = 65_535;

/** Specification of the kernel `graph-narrow`. */
export function graphNarrowTwin(views: NarrowViews, params: NarrowParams): void {
  const { nq, ef, length, k } = params;
  for (let q = 0; q < nq; q++) {
    const row = views.found.subarray(q * (2 * ef + 2), (q + 1) * (2 * ef + 2));
    const ids = [...row.subarray(ef, ef + length)].filter((id) => id !== NONE);
    const out = views.lists.subarray(q * (length + 2), (q + 1) * (length + 2));
    const kept = k < length && length <= MOST_NARROWED ? narrowed(views, params, q, ids) : ids;
    out.fill(NONE).set(kept);
    out.set(row.subarray(2 * ef), length);
  }
}

/** Words of two 16-bit numbers behind limbs: A or Q, then B or P. */
function slackOf(limbs: Int8Array, row: number, stride: number): readonly [number, number] {
  const word = new DataView(limbs.buffer, limbs.byteOffset).getUint32((row + 1) * stride - TERM_BYTES, true);
  return [word & 0xffff, word >>> 16];
}

function narrowed(views: NarrowViews, params: NarrowParams, q: number, ids: readonly number[]): readonly number[] {
  const stride = 16 * params.quads;
  const isL2 = params.form === FORMS.sq8L2;
  const [Q, P] = slackOf(views.queryLimbs, q, stride);
  const entries = ids.map((id) => {
    const [codes, limbs, at] = id < params.split ? [views.codesA, views.limbsA, id] : [views.codesB, views.limbsB, id - params.split];
    const value = isL2 ? squared(views, q, codes, limbs, at, stride) : product(views, q, codes, limbs, at, stride);
    return { id, value, slack: slackOf(limbs, at, stride) };
  });
  const widest = entries.reduce((most, { value }) => Math.max(most, Math.abs(Math.floor(value / 65_536))), 0);
  const bits = 32 - Math.clz32(widest);
  if (isL2) {
    const s = (Math.max(14, bits) - 13) >> 1;
    const spans = entries.map(({ id, value, slack: [A] }) => ({
      id,
      squared: value / 4 ** s,
      slack: Math.ceil(A / 2 ** s),
      isOpen: A === SATURATED,
    }));
    return keptByDistance(spans, Math.ceil(Q / 2 ** s), Q === SATURATED, s, params);
  }
  const s = Math.max(22, bits) - 22;
  const spans = entries.map(({ id, value, slack: [A, B] }) => {
    const slack = Math.ceil((P * A + Q * B) / 2 ** s);
    const isOpen = A === SATURATED || Q === SATURATED || slack > 2 ** 29;
    return { id, product: Math.floor(value / 2 ** (8 + s)), slack, isOpen };
  });
  return keptByProduct(spans, params.k);
}

interface Span {
  readonly id: number;
  readonly slack: number;
  /** Nothing is known of it. */
  readonly isOpen: boolean;
}

function keptByDistance(
  entries: readonly (Span & { readonly squared: number })[],
  ownSlack: number,
  isOpen: boolean,
  s: number,
  { k, room, more }: NarrowParams,
): readonly number[] {
  const ids = entries.map(({ id }) => id);
  const fars = entries.filter((one) => !one.isOpen).map(({ squared: value, slack }) => rootUp(Math.ceil(value)) + slack);
  const cut = fars.sort((a, b) => a - b)[k - 1];
  const rest = more === NONE ? Infinity : Math.ceil(more / 4 ** s);
  if (isOpen || cut === undefined || cut + ownSlack > 60_000 || rest > 2 ** 28) return ids;
  const square = (cut + ownSlack) ** 2;
  const reach = rootUp(square + Math.floor(((Math.floor(square / 4096) + 1) * room) / 4096) + 1 + rest) + ownSlack;
  const isKept = (one: (typeof entries)[number]) => one.isOpen || Math.floor(one.squared) <= Math.min(SATURATED, reach + one.slack) ** 2;
  return entries.filter(isKept).map(({ id }) => id);
}

function keptByProduct(entries: readonly (Span & { readonly product: number })[], k: number): readonly number[] {
  const lows = entries.filter(({ isOpen }) => !isOpen).map((one) => one.product - one.slack);
  const cut = lows.sort((a, b) => b - a)[k - 1] ?? -Infinity;
  return entries.filter((one) => one.isOpen || one.product + one.slack + 2 >= cut).map(({ id }) => id);
}

/** 65,536 |q̂ − x̂|² in code steps. */
function squared({ queries, queryLimbs }: NarrowViews, q: number, codes: Int8Array, limbs: Int8Array, row: number, stride: number): number {
  let sum = 0;
  for (let j = 0; j < stride - TERM_BYTES; j++) {
    const [a, b] = [q * stride + j, row * stride + j];
    sum += (256 * (queries[a]! - codes[b]!) + queryLimbs[a]! - limbs[b]!) ** 2;
  }
  return sum;
}

/** 65,536 q̂ · x̂ in code steps. */
function product({ queries, queryLimbs }: NarrowViews, q: number, codes: Int8Array, limbs: Int8Array, row: number, stride: number): number {
  let sum = 0;
  for (let j = 0; j < stride - TERM_BYTES; j++) {
    const [a, b] = [q * stride + j, row * stride + j];
    sum += (256 * queries[a]! + queryLimbs[a]!) * (256 * codes[b]! + limbs[b]!);
  }
  return sum;
}

/** ⌈√x⌉ of an integer below 2^32. */
function rootUp(x: number): number {
  let root = Math.floor(Math.sqrt(x));
  while (root * root < x) root++;
  while (root > 0 && (root - 1) * (root - 1) >= x) root--;
  return root;
}

/** The graph kernels once more, from their definitions and apart from src/: slow, and short enough to be seen to be right. */
import { canonicalDistance } from '../../contract/oracle.ts';
import type { LinkLists } from '../graph-cases.ts';

const METRICS = ['l2', 'ip', 'cosine'] as const;

export interface Scored {
  readonly id: number;
  readonly key: number;
}

export const byKey = (a: Scored, b: Scored) => a.key - b.key || a.id - b.id;

/** Key of a row for a query: `stride` bytes each, or tables in the query's place. */
export function modelKey(form: number, query: Int8Array, row: Int8Array): number {
  if (form >= 5) return modelSum(query, form === 5 ? [...row].map(unsigned) : halves(row));
  if (form >= 2) return ordered(canonicalDistance(METRICS[form - 2]!, floats(query), floats(row)));
  let dot = 0;
  for (let j = 0; j < row.length - 4; j++) dot += query[j]! * row[j]!;
  return form === 0 ? termOf(row) - 2 * dot : 0 - dot;
}

const unsigned = (byte: number) => (byte + 256) % 256;

/** The codes of a row that holds two in a byte. */
function halves(row: Int8Array): number[] {
  return [...row].map(unsigned).flatMap((both) => [both % 16, Math.floor(both / 16)]);
}

/** As many tables of equal size as there are codes, of little-endian pairs of bytes: what each code names in its own, added up. */
function modelSum(tables: Int8Array, codes: readonly number[]): number {
  const entry = (at: number) => unsigned(tables[2 * at]!) + 256 * unsigned(tables[2 * at + 1]!);
  const ksub = tables.length / 2 / codes.length;
  return codes.reduce((sum, code, m) => sum + entry(m * ksub + code), 0);
}

/** Distance of two nodes on the scale that links are chosen by. */
export function modelDistance(form: number, a: Int8Array, b: Int8Array): number {
  return modelKey(form, a, b) + (form === 0 ? termOf(a) : 0);
}

export function rowAt(rows: Int8Array, stride: number, row: number): Int8Array {
  return rows.slice(row * stride, (row + 1) * stride);
}

function termOf(row: Int8Array): number {
  return new DataView(row.buffer, row.byteOffset).getInt32(row.length - 4, true);
}

const floats = (bytes: Int8Array) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);

/** Floats ascend as these numbers do: a negative float is one below the negative of its magnitude's bits. */
function ordered(x: number): number {
  const magnitude = new Uint32Array(Float32Array.of(Math.abs(x)).buffer)[0]!;
  return x < 0 ? -magnitude - 1 : magnitude;
}

/**
 * The beam: all seen nodes up to T, the nearer of the ef-th seen node that may be returned and the (4 · ef)-th seen node;
 * without a filter, the ef nearest.
 */
export function modelBeam<T extends Scored>(seen: readonly T[], ef: number, admitted?: (id: number) => boolean): T[] {
  const sorted = [...seen].sort(byKey);
  if (!admitted) return sorted.slice(0, ef);
  const limits = [sorted.filter(({ id }) => admitted(id))[ef - 1], sorted[4 * ef - 1]].filter((one) => one !== undefined);
  return sorted.filter((one) => limits.every((limit) => byKey(one, limit) <= 0));
}

export interface ModelWalk {
  readonly links: LinkLists;
  readonly keyOf: (id: number) => number;
  readonly entry: number;
  readonly entryLevel: number;
  readonly level: number;
  readonly ef: number;
  readonly admitted: ((id: number) => boolean) | undefined;
}

/** Steps to the nearest neighbour, level by level; then expands the nearest of the beam until all of it is expanded. */
export function modelSearch({ links, keyOf, entry, entryLevel, level, ef, admitted }: ModelWalk): { found: Scored[]; hops: number } {
  const scored = (id: number): Scored => ({ id, key: keyOf(id) });
  let hops = 0;
  let at = scored(entry);
  for (let above = entryLevel; above > level; above--) {
    for (let stepped = true; stepped; ) {
      const nearest = [at, ...links[at.id]![above]!.map(scored)].sort(byKey)[0]!;
      stepped = nearest.id !== at.id;
      at = nearest;
      hops++;
    }
  }
  const seen = new Map([[at.id, at]]);
  const expanded = new Set<number>();
  for (;;) {
    const beam = modelBeam([...seen.values()], ef, admitted);
    const next = beam.find(({ id }) => !expanded.has(id));
    if (!next) return { found: beam.filter(({ id }) => !admitted || admitted(id)), hops };
    expanded.add(next.id);
    hops++;
    for (const id of links[next.id]![level]!) if (!seen.has(id)) seen.set(id, scored(id));
  }
}

/** Nodes within reach of `from` on one level. */
export function reachable(links: LinkLists, from: number, level: number): number[] {
  const reached = new Set([from]);
  for (const id of reached) for (const next of links[id]![level]!) reached.add(next);
  return [...reached];
}

/**
 * Candidates nearest first; one is taken unless a taken one is nearer to it than the node is, or both are copies of the node.
 * `keyed`: candidates with their distances to the node; `between`: the distance of two candidates.
 */
export function modelChoice(keyed: readonly Scored[], most: number, between: (a: number, b: number) => number): number[] {
  const taken: number[] = [];
  for (const { id, key: distance } of [...keyed].sort(byKey)) {
    const nearer = taken.map((other) => between(id, other)).some((d) => d < distance || (d === 0 && distance === 0));
    if (!nearer && taken.length < most) taken.push(id);
  }
  return taken;
}

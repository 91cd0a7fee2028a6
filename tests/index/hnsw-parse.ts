/** Reads the graph out of an index file, written apart from the library's reader; and writes files that lie, for tests. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { levelOf } from '../../src/index/hnsw-levels.ts';

interface Section {
  name: string;
  dtype: string;
  length: number;
}

export interface IndexFile {
  readonly header: { description: string; dim: number; metric: string; seed: number; state: Record<string, number>; sections: Section[] };
  /** The bytes of each section. */
  readonly sections: Record<string, Uint8Array>;
}

const BYTES: Record<string, number> = { f32: 4, f64: 8, i32: 4, u32: 4, i8: 1 };
const padded = (bytes: number) => Math.ceil(bytes / 64) * 64;

export function parseFile(bytes: Uint8Array): IndexFile {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + length)));
  const sections: Record<string, Uint8Array> = {};
  let at = 16 + length;
  for (const section of header.sections as Section[]) {
    const size = section.length * BYTES[section.dtype]!;
    sections[section.name] = bytes.slice(at, at + size);
    at += padded(size);
  }
  expect(at + 32, 'bytes of the file').toBe(bytes.length);
  return { header, sections };
}

/** The bytes of a file with these contents: lengths follow from the sections unless `lengths` says otherwise. */
export function writeFile({ header, sections }: IndexFile): Uint8Array {
  const listed = header.sections.map((one) => ({ ...one, length: sections[one.name]!.length / BYTES[one.dtype]! }));
  const json = new TextEncoder().encode(JSON.stringify({ ...header, sections: listed }));
  const head = new Uint8Array(padded(16 + json.length)).fill(0x20);
  head.set(new TextEncoder().encode('ISODEX01'));
  new DataView(head.buffer).setUint32(8, head.length - 16, true);
  new DataView(head.buffer).setUint32(12, 0, true);
  head.set(json, 16);
  const parts = [head];
  for (const { name } of listed) {
    const part = new Uint8Array(padded(sections[name]!.length));
    part.set(sections[name]!);
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  return new Uint8Array(Buffer.concat([body, createHash('sha256').update(body).digest()]));
}

export const u32 = (bytes: Uint8Array) => new Uint32Array(bytes.slice().buffer);
const i32 = (bytes: Uint8Array) => new Int32Array(bytes.slice().buffer);
export const bytesOf = (array: Uint32Array | Float32Array | Int32Array) => new Uint8Array(array.slice().buffer);

export interface ParsedGraph {
  readonly M: number;
  readonly count: number;
  readonly entry: number;
  readonly entryLevel: number;
  /** Highest level of each node. */
  readonly levels: readonly number[];
  readonly live: readonly boolean[];
  readonly labels: Int32Array;
  /** links[level][node]: as they are stored, with what is behind the last one. */
  readonly links: readonly (readonly Uint32Array[])[];
}

export const NONE = 0xffffffff;

export function parseGraph(bytes: Uint8Array): ParsedGraph {
  const { header, sections } = parseFile(bytes);
  const { count = 0, entry = 0, entryLevel = 0 } = header.state;
  const M = Number(/^HNSW(\d+)(,SQ8)?$/.exec(header.description)![1]);
  const levels = Array.from(u32(sections.serials!), (serial) => levelOf(header.seed, serial, M));
  const liveWords = u32(sections.live!);
  const live = Array.from({ length: 32 * liveWords.length }, (_, row) => ((liveWords[row >> 5]! >>> (row & 31)) & 1) === 1);
  const base = u32(sections.links!);
  const upper = u32(sections.upperLinks!);
  const links: Uint32Array[][] = [Array.from({ length: count }, (_, node) => base.subarray(2 * M * node, 2 * M * (node + 1)))];
  let row = 0;
  for (const [node, top] of levels.entries()) {
    for (let level = 1; level <= top; level++, row++) (links[level] ??= [])[node] = upper.subarray(M * row, M * (row + 1));
  }
  expect(upper.length, 'upper links').toBe(M * row);
  return { M, count, entry, entryLevel, levels, live, labels: i32(sections.labels!), links };
}

/** Nodes that directed links of level 0 lead to from the entry point. */
export function reachable({ count, entry, links }: ParsedGraph): Set<number> {
  const reached = new Set<number>(count > 0 ? [entry] : []);
  for (const node of reached) for (const next of links[0]![node]!) if (next !== NONE) reached.add(next);
  return reached;
}

/** Throws where the graph is not what every graph must be. Whether all is reachable is asked apart. */
export function checkInvariants(graph: ParsedGraph): void {
  const { M, count, entry, entryLevel, levels, live, links } = graph;
  expect(levels.length, 'serials').toBe(count);
  expect(live.length, 'bits of live').toBe(64 * Math.ceil(count / 64));
  expect(live.indexOf(true, count), 'a live bit past the rows').toBe(-1);
  if (count === 0) return;
  const highest = levels.reduce((most, level) => Math.max(most, level));
  expect(levels[entry], 'the entry stands on the highest level').toBe(highest);
  expect(entryLevel, "the entry's level").toBe(highest);
  for (const [level, rows] of links.entries()) {
    for (const [node, row] of rows.entries()) {
      if (row === undefined) continue; // it does not stand on this level
      const wrong = whatIsWrong(row, node, level, graph);
      if (wrong) expect.fail(`node ${node}, level ${level}: ${wrong} in [${row.join(', ')}]`);
      expect(row.length).toBe(level === 0 ? 2 * M : M);
    }
  }
}

function whatIsWrong(row: Uint32Array, node: number, level: number, { count, levels }: ParsedGraph): string | undefined {
  const end = row.indexOf(NONE);
  const targets = end < 0 ? row : row.subarray(0, end);
  if (end >= 0 && row.subarray(end).some((id) => id !== NONE)) return 'a link behind the end';
  if (targets.some((id) => id >= count)) return 'a link that leads outside';
  if (targets.includes(node)) return 'a link to itself';
  if (new Set(targets).size !== targets.length) return 'a link that comes twice';
  if (targets.some((id) => levels[id]! < level)) return 'a link to a node that is not on this level';
  return undefined;
}

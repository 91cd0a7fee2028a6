/** Reads the parts of a file that every graph has, and trusts none of it: a link that leads outside would lead a search out of its memory. */
import type { HostEngine } from '../host/engine.ts';
import { NONE } from '../kernels/graph.ts';
import { hasBit } from '../util/bits.ts';
import { badFile } from '../util/errors.ts';
import type { BodyReader, Header } from './format.ts';
import { type LinkPages, LinkWriter } from './graph-pages.ts';
import { type GraphSettings, type Levels, levelsOf } from './graph-store.ts';
import { maskWords } from './rows.ts';
import type { Serials } from './serials.ts';

/** What the nodes and the links between them follow from. */
type Shape = Pick<GraphSettings, 'seed' | 'M'>;

/** Levels of all nodes, checked against the rest of the header. */
export function checkedLevels(header: Header, serials: Serials, count: number, settings: Shape, upperCount: number): Levels {
  for (let i = 1; i < count; i++) if (serials.at(i) <= serials.at(i - 1)) throw damaged(`serial ${i} is not above the one before it`);
  if (count > 0 && serials.at(count - 1) >= header.state.nextSerial!) throw damaged(`its last serial is not below the next one`);
  const levels = levelsOf(serials, 0, count, 0, settings);
  const { entry = -1, entryLevel = -1, sinceRepair = -1 } = header.state;
  const entered = count === 0 || (entry >= 0 && entry < count && levels.levels[entry] === entryLevel);
  if (levels.upperCount !== upperCount || !entered || sinceRepair < 0) {
    throw damaged(`its entry (${entry} on level ${entryLevel}) or its ${upperCount} upper link rows do not fit its nodes`);
  }
  return levels;
}

/** Links of level 0, for `count` nodes with the given levels, beside those of the upper levels, u32 [upper rows, M], which are checked. */
export async function readLinks(
  reader: BodyReader,
  host: HostEngine,
  M: number,
  levels: Levels,
  upper: Uint32Array,
  count: number,
): Promise<LinkPages> {
  const rows = new RowCheck(count);
  checkUpperLinks(upper, levels, M, rows);
  const { upperCount } = levels;
  const degree = 2 * M;
  const writer = await LinkWriter.open(host, degree, undefined, count, upperCount);
  try {
    let row = 0;
    for await (const piece of reader.readPieces('links', 'u32', degree)) {
      if (piece.length % degree) throw damaged(`its links are not ${degree} a node`);
      const links = writer.view();
      for (let at = 0; at < piece.length; at += degree, row++) {
        rows.check(piece, at, at + degree, row);
        links.set(piece.subarray(at, at + degree), writer.offset(row, false));
      }
    }
    if (row !== count) throw damaged(`it has link rows for ${row} of its ${count} nodes`);
    const links = writer.view();
    for (let i = 0; i < upperCount; i++) links.set(upper.subarray(i * M, (i + 1) * M), writer.offset(i, true));
    return writer.commit().pages;
  } catch (error) {
    writer.rollback();
    throw error;
  }
}

/** Links of a row lead to nodes that are there, to each once, and none comes behind the last: walkers count on all three. */
class RowCheck {
  private readonly count: number;
  /** The row, counted from 1, that led to a node last. */
  private readonly seen: Uint32Array;
  private rows = 0;

  constructor(count: number) {
    this.count = count;
    this.seen = new Uint32Array(count);
  }

  check(links: Uint32Array, begin: number, end: number, node: number): void {
    this.rows++;
    let isOver = false;
    for (let i = begin; i < end; i++) {
      const link = links[i]!;
      if (link === NONE) {
        isOver = true;
        continue;
      }
      if (link >= this.count) throw damaged(`a link of node ${node} leads to ${link}, outside its ${this.count} nodes`);
      if (isOver || this.seen[link] === this.rows)
        throw damaged(`the links of node ${node} ${isOver ? 'have a gap' : `lead to ${link} twice`}`);
      this.seen[link] = this.rows;
    }
  }
}

/** An upper link must lead to a node that stands on its level. */
function checkUpperLinks(upper: Uint32Array, { levels, upperRows }: Levels, M: number, rows: RowCheck): void {
  for (const [node, top] of levels.entries()) {
    for (let level = 1; level <= top; level++) {
      const at = (upperRows[node]! + level - 1) * M;
      rows.check(upper, at, at + M, node);
      for (const target of upper.subarray(at, at + M)) {
        if (target !== NONE && !(levels[target]! >= level))
          throw damaged(`a link of node ${node} on level ${level} leads to ${target}, which is not there`);
      }
    }
  }
}

/** How many rows are marked as live. */
export function countLive({ state }: Header, live: Uint32Array, count: number): number {
  let found = 0;
  for (let row = 0; row < 32 * live.length; row++) {
    if (!hasBit(live, row)) continue;
    if (row >= count) throw damaged(`row ${row} is marked as live, of ${count} rows`);
    found++;
  }
  if (found !== state.live || live.length !== maskWords(count))
    throw damaged(`${found} of its rows are live, its header says ${state.live}`);
  return found;
}

export function damaged(what: string): Error {
  return badFile(`the index file is damaged: ${what}`);
}

/** Sections of a file that every graph has: which rows are live, and the links. */
import type { HostEngine } from '../host/engine.ts';
import type { TypedArray } from '../kernels/kernel.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import type { SectionContent } from './format.ts';
import { type LinkPages, linkOffset } from './graph-pages.ts';
import type { GraphState } from './graph-state.ts';
import type { Snapshot } from './rows.ts';

/** Link rows that are written at a time. */
const ROWS_PER_PIECE = 16384;

export function liveSection({ live }: Snapshot): SectionContent {
  return { name: 'live', dtype: 'u32', length: live.length, arrays: () => [live] };
}

/** Links of all nodes; undefined where there are none as yet. */
export function linkSections(
  host: HostEngine,
  graph: Pick<GraphState, 'pages' | 'upperCount'> | undefined,
  { count, M }: { count: number; M: number },
  options: TaskOptions,
): SectionContent[] {
  const degree = 2 * M;
  return [
    linkSection('upperLinks', host, graph?.pages, { rows: graph?.upperCount ?? 0, width: M, degree }, options),
    linkSection('links', host, graph?.pages, { rows: count, width: degree, degree }, options),
  ];
}

/** The first `width` links of so many rows of level 0, or of the levels above. */
function linkSection(
  name: 'links' | 'upperLinks',
  host: HostEngine,
  pages: LinkPages | undefined,
  { rows, width, degree }: { rows: number; width: number; degree: number },
  { signal }: TaskOptions,
): SectionContent {
  async function* arrays(): AsyncGenerator<TypedArray> {
    const breather = new Breather(signal);
    for (let begin = 0; begin < rows; begin += ROWS_PER_PIECE) {
      const count = Math.min(ROWS_PER_PIECE, rows - begin);
      const out = new Uint32Array(count * width);
      const { arena, table, basePages } = pages!;
      const links = host.view(arena.block);
      for (let i = 0; i < count; i++) {
        const at = linkOffset(table, basePages, degree, begin + i, name === 'upperLinks');
        out.set(links.subarray(at, at + width), i * width);
      }
      yield out;
      await breather.breathe();
    }
  }
  return { name, dtype: 'u32', length: rows * width, arrays };
}

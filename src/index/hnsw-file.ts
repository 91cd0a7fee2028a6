/**
 * HNSW's part of the file: all rows, dead ones too since their nodes still carry searches, the codec, and link rows. Levels
 * follow from the serials and codes from the vectors, so neither is stored; where only codes are kept, they take the
 * vectors' place.
 */
import type { TypedArray } from '../kernels/kernel.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { type SectionContent, writeBody } from './format.ts';
import { linkOffset } from './graph-pages.ts';
import type { GraphState } from './graph-state.ts';
import type { GraphStore } from './graph-store.ts';
import { describeHnsw, type HnswConfig } from './hnsw-config.ts';
import { labelSections, vectorSection } from './row-file.ts';
import type { Snapshot } from './rows.ts';

/** Link rows that are written at a time. */
const ROWS_PER_PIECE = 16384;

/** The file's bytes in pieces. `graph` is undefined where no row was ever added. */
export function writeHnsw(
  config: HnswConfig,
  store: GraphStore,
  snapshot: Snapshot,
  graph: GraphState | undefined,
  options: TaskOptions,
): AsyncGenerator<Uint8Array> {
  const { dim, metric, seed, codesOnly } = store.settings;
  const { count, liveCount, nextLabel, nextSerial, live } = snapshot;
  const plan = graph && store.codec?.plan; // of an add under way there is none yet
  const grid = plan?.grid;
  const { entry = 0, entryLevel = 0, sinceRepair = 0, upperCount = 0 } = graph ?? {};
  const { efConstruction, efSearch } = config;
  const numbers = { efConstruction, efSearch, form: plan?.form ?? 0, entry, entryLevel, sinceRepair };
  const state = { count, live: liveCount, nextLabel, nextSerial, ...numbers };
  const rows = Uint32Array.from({ length: count }, (_, i) => i);
  const shift = grid?.shift ?? new Float32Array(0);
  const scale = Float32Array.from(grid ? [grid.scale] : []);
  const last = codesOnly ? codeSection(store, count, plan?.stride ?? 0) : vectorSection(snapshot, rows, options);
  return writeBody({ description: describeHnsw(config), dim, metric, seed, state }, [
    ...labelSections(snapshot, rows),
    { name: 'live', dtype: 'u32', length: live.length, arrays: () => [live] },
    { name: 'shift', dtype: 'f32', length: shift.length, arrays: () => [shift] },
    { name: 'scale', dtype: 'f32', length: scale.length, arrays: () => [scale] },
    linkSection('upperLinks', store, graph, upperCount, config.M, options),
    linkSection('links', store, graph, count, store.degree, options),
    last,
  ]);
}

function codeSection(store: GraphStore, count: number, stride: number): SectionContent {
  async function* arrays(): AsyncGenerator<TypedArray> {
    if (count > 0) yield await store.readCodes(count);
  }
  return { name: 'codes', dtype: 'i8', length: count * stride, arrays };
}

/** The first `width` links of so many rows of level 0, or of the levels above. */
function linkSection(
  name: 'links' | 'upperLinks',
  { host, degree }: GraphStore,
  graph: GraphState | undefined,
  rows: number,
  width: number,
  { signal }: TaskOptions,
): SectionContent {
  async function* arrays(): AsyncGenerator<TypedArray> {
    const breather = new Breather(signal);
    for (let begin = 0; begin < rows; begin += ROWS_PER_PIECE) {
      const count = Math.min(ROWS_PER_PIECE, rows - begin);
      const out = new Uint32Array(count * width);
      const { arena, table, basePages } = graph!.pages;
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

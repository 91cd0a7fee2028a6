/**
 * HNSW's part of the file: all rows, dead ones too since their nodes still carry searches, the codec, and link rows. Levels
 * follow from the serials and codes from the vectors, so neither is stored; where only codes are kept, they take the
 * vectors' place.
 */
import type { TypedArray } from '../kernels/kernel.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { type SectionContent, writeBody } from './format.ts';
import { linkSections, liveSection } from './graph-file.ts';
import type { GraphState } from './graph-state.ts';
import type { GraphStore } from './graph-store.ts';
import { describeHnsw, type HnswConfig } from './hnsw-config.ts';
import { labelSections, vectorSection } from './row-file.ts';
import type { Snapshot } from './rows.ts';

/** The file's bytes in pieces. `graph` is undefined where no row was ever added. */
export function writeHnsw(
  config: HnswConfig,
  store: GraphStore,
  snapshot: Snapshot,
  graph: GraphState | undefined,
  options: TaskOptions,
): AsyncGenerator<Uint8Array> {
  const { dim, metric, seed, codesOnly } = store.settings;
  const { count, liveCount, nextLabel, nextSerial } = snapshot;
  const plan = graph && store.codec?.plan; // of an add under way there is none yet
  const grid = plan?.grid;
  const { entry = 0, entryLevel = 0, sinceRepair = 0 } = graph ?? {};
  const { efConstruction, efSearch } = config;
  const numbers = { efConstruction, efSearch, form: plan?.form ?? 0, entry, entryLevel, sinceRepair };
  const state = { count, live: liveCount, nextLabel, nextSerial, ...numbers };
  const rows = Uint32Array.from({ length: count }, (_, i) => i);
  const shift = grid?.shift ?? new Float32Array(0);
  const scale = Float32Array.from(grid ? [grid.scale] : []);
  const last = codesOnly ? codeSection(store, count, plan?.stride ?? 0) : vectorSection(snapshot, rows, options);
  return writeBody({ description: describeHnsw(config), dim, metric, seed, state }, [
    ...labelSections(snapshot, rows),
    liveSection(snapshot),
    { name: 'shift', dtype: 'f32', length: shift.length, arrays: () => [shift] },
    { name: 'scale', dtype: 'f32', length: scale.length, arrays: () => [scale] },
    ...linkSections(store.host, graph, { count, M: config.M }, options),
    last,
  ]);
}

function codeSection(store: GraphStore, count: number, stride: number): SectionContent {
  async function* arrays(): AsyncGenerator<TypedArray> {
    if (count > 0) yield await store.readCodes(count);
  }
  return { name: 'codes', dtype: 'i8', length: count * stride, arrays };
}

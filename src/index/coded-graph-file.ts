/**
 * The file of a graph over codes: labels of all rows, dead ones too since their nodes still carry searches, what was trained,
 * codes, link rows and, where they are kept, vectors. Levels follow from the serials.
 */
import type { HostEngine } from '../host/engine.ts';
import type { TypedArray } from '../kernels/kernel.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { type CodedConfig, describeCoded, keepsVectors } from './coded-config.ts';
import { codedNumbers, planSections } from './coded-file.ts';
import type { CodedGraphState, CodedNodes } from './coded-graph-state.ts';
import { type SectionContent, writeBody } from './format.ts';
import { linkSections, liveSection } from './graph-file.ts';
import { labelSections, vectorSection } from './row-file.ts';
import type { Settings } from './vector-index.ts';

/** The file's bytes in pieces. */
export function writeCodedGraph(
  config: CodedConfig,
  settings: Settings,
  host: HostEngine,
  { snapshot, trained, nodes, graph }: CodedGraphState,
  options: TaskOptions,
): AsyncGenerator<Uint8Array> {
  const { count, liveCount, nextLabel, nextSerial } = snapshot;
  const { efConstruction, efSearch, description } = config;
  const { entry = 0, entryLevel = 0, sinceRepair = 0 } = graph ?? {};
  const plan = trained?.plan;
  const numbers = { efConstruction, efSearch, form: plan?.build?.form ?? 0, entry, entryLevel, sinceRepair };
  const state = { count, live: liveCount, nextLabel, nextSerial, ...codedNumbers(config, plan), ...numbers };
  const rows = Uint32Array.from({ length: count }, (_, i) => i);
  const M = description.structure.kind === 'HNSW' ? description.structure.M : 0;
  return writeBody({ description: describeCoded(config), ...settings, state }, [
    ...labelSections(snapshot, rows),
    liveSection(snapshot),
    ...(plan ? planSections(plan) : []),
    codeSection(nodes, count, trained?.codec.stride ?? 0),
    ...linkSections(host, graph, { count, M }, options),
    ...(keepsVectors(config) ? [vectorSection(snapshot, rows, options)] : []),
  ]);
}

function codeSection(nodes: CodedNodes | undefined, count: number, stride: number): SectionContent {
  async function* arrays(): AsyncGenerator<TypedArray> {
    if (nodes) yield await nodes.readCodes(0, count);
  }
  return { name: 'codes', dtype: 'i8', length: count * stride, arrays };
}

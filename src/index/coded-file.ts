/**
 * The file of an index over codes: labels, what was trained, and for the live rows, in the order they were added, list, code and,
 * where they are kept, vector. Lists follow from that, so neither how rows came nor which were removed shows in it.
 */
import type { HostEngine } from '../host/engine.ts';
import type { TypedArray } from '../kernels/kernel.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { type CodedConfig, describeCoded, keepsVectors } from './coded-config.ts';
import type { CodedState } from './coded-state.ts';
import type { CoarsePlan } from './coding/coarse-plan.ts';
import type { IntegerGrid } from './coding/integer-grid.ts';
import type { Lists } from './coding/lists.ts';
import type { LvqPlan } from './coding/lvq-codes.ts';
import type { TrainedPlan } from './coding/plan.ts';
import { type SectionContent, writeBody } from './format.ts';
import type { CodecPlan } from './graph-codec.ts';
import { labelSections, vectorSection } from './row-file.ts';
import { liveRows } from './rows.ts';
import type { Settings } from './vector-index.ts';

/** The file's bytes in pieces. */
export function writeCoded(
  config: CodedConfig,
  settings: Settings,
  host: HostEngine,
  { snapshot, trained, lists }: CodedState,
  options: TaskOptions,
): AsyncGenerator<Uint8Array> {
  const rows = liveRows(snapshot);
  const { nextLabel, nextSerial } = snapshot;
  const plan = trained?.plan;
  const ofCodes = keepsVectors(config) ? { signal: options.signal } : options; // progress is told of the larger part alone
  const state = { count: rows.length, nextLabel, nextSerial, ...codedNumbers(config, plan) };
  return writeBody({ description: describeCoded(config), ...settings, state }, [
    ...labelSections(snapshot, rows),
    ...(plan ? planSections(plan) : []),
    ...(plan ? codeSections(host, rows, lists, trained.codec.stride, plan.coarse !== undefined, ofCodes) : []),
    ...(keepsVectors(config) ? [vectorSection(snapshot, rows, options)] : []),
  ]);
}

/** What the header says of the configuration and of what was trained. */
export function codedNumbers({ nprobe, refineFactor, maxPointsPerCentroid }: CodedConfig, plan: TrainedPlan | undefined) {
  const refineThousandths = Math.round(refineFactor * 1000);
  return { nprobe, refineThousandths, maxPointsPerCentroid, trained: plan ? 1 : 0, bits: bitsOf(plan) };
}

/** Bits of the quantiser's and the lists' grids: what the shapes of sections do not tell. */
function bitsOf(plan: TrainedPlan | undefined): number {
  const pq = plan?.codec.kind === 'pq' ? plan.codec.quantizer.grid.bits : 0;
  return 16 * pq + (plan?.coarse?.grid.bits ?? 0);
}

export function planSections({ transforms, coarse, codec, build }: TrainedPlan): SectionContent[] {
  return [
    ...transforms.flatMap(({ mean, matrix }, i) => [section(`mean${i}`, mean), section(`matrix${i}`, words(matrix.slice()))]),
    ...(coarse ? coarseSections(coarse) : []),
    ...codecSections(codec),
    ...(build ? buildSections(build) : []),
  ];
}

function codecSections(codec: TrainedPlan['codec']): SectionContent[] {
  switch (codec.kind) {
    case 'sq8':
      return gridSections('code', codec.plan.grid!);
    case 'pq':
      return [...gridSections('code', codec.quantizer.grid), section('centroids', words(codec.quantizer.book.centroids))];
    case 'f16':
      return [section('codeScale', Float32Array.of(codec.scale))];
    case 'lvq':
      return lvqSections(codec.plan);
    case 'sq4':
      return [section('codeLow', codec.ranges.low), section('codeStep', codec.ranges.step)];
    case 'bits':
      return [section('planeMean', codec.planes.mean), section('planes', words(codec.planes.matrix))];
  }
}

function lvqSections({ rotation, distortion, offset, bits, step, longest }: LvqPlan): SectionContent[] {
  return [
    ...[section('codeMean', rotation.mean), section('codeMatrix', words(rotation.matrix)), section('codeOffset', offset)],
    ...[
      section('codeBits', Uint32Array.from(bits)),
      section('codeStep', step),
      section('codeLengths', Float32Array.of(longest, distortion)),
    ],
  ];
}

/** The grid that a graph is built on, empty where it is built on the vectors. */
function buildSections({ grid }: CodecPlan): SectionContent[] {
  return [section('buildShift', grid?.shift ?? new Float32Array(0)), section('buildScale', Float32Array.from(grid ? [grid.scale] : []))];
}

function coarseSections({ grid, values }: CoarsePlan): SectionContent[] {
  return [...gridSections('list', grid), section('listCentroids', words(values))];
}

function gridSections(name: string, { shift, scale }: Pick<IntegerGrid, 'shift' | 'scale'>): SectionContent[] {
  return [section(`${name}Shift`, shift), section(`${name}Scale`, Float32Array.of(scale))];
}

/** i16 values two by two. */
function words(values: Int16Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length / 2);
}

function section(name: string, array: Float32Array | Uint32Array): SectionContent {
  return { name, dtype: array instanceof Float32Array ? 'f32' : 'u32', length: array.length, arrays: () => [array] };
}

/** Lists, where there are several, and codes of the given rows. */
function codeSections(
  host: HostEngine,
  rows: Uint32Array,
  lists: Lists | undefined,
  stride: number,
  withLists: boolean,
  { signal, onProgress }: TaskOptions,
): SectionContent[] {
  const { length } = rows;
  const places = (): TypedArray[] => (lists ? [listsOf(lists, rows)] : []);
  const codes = (): TypedArray[] => {
    signal?.throwIfAborted();
    onProgress?.(length, length);
    return lists ? [codesOf(host, lists, rows)] : [];
  };
  return [
    ...(withLists ? [{ name: 'lists', dtype: 'u32' as const, length, arrays: places }] : []),
    { name: 'codes', dtype: 'i8', length: length * stride, arrays: codes },
  ];
}

function listsOf(lists: Lists, rows: Uint32Array): Uint32Array {
  const found = new Uint32Array((rows.at(-1) ?? -1) + 1);
  lists.visit((list, row) => void (found[row] = list));
  return Uint32Array.from(rows, (row) => found[row]!);
}

function codesOf(host: HostEngine, lists: Lists, rows: Uint32Array): Int8Array {
  const { stride } = lists;
  const at = new Uint32Array((rows.at(-1) ?? -1) + 1);
  lists.visit((_list, row, position) => void (at[row] = position));
  const codes = host.view(lists.codes);
  const out = new Int8Array(rows.length * stride);
  rows.forEach((row, i) => void out.set(codes.subarray(at[row]! * stride, (at[row]! + 1) * stride), i * stride));
  return out;
}

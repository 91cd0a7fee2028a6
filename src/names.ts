/** Names that both entry points give. */
export type { AdapterInfo, Engine, EngineInfo, EngineKind } from './host/engine.ts';
export type { EngineOptions, GpuLike } from './host/open.ts';
export { type EstimateOptions, estimate, type MemoryEstimate, type PartBytes } from './index/estimate.ts';
export type { IndexConfig } from './index/factory.ts';
export { type LabelFilter, labelBitset } from './index/filter.ts';
export type {
  AddOptions,
  LiveRecall,
  Metric,
  Neighbors,
  RangeNeighbors,
  RangeSearchOptions,
  SearchOptions,
  SearchStats,
  TrainReport,
  VectorBatches,
  VectorIndex,
} from './index/vector-index.ts';
export type { CreateOptions, EngineChoice, IndexChoice, OpenOptions } from './platform.ts';
export { bestFor, type Choice, frontier, type Objective, type OperatingPoint, type Wish } from './tune/operating-points.ts';
export type { LogEntry, MeasuredOn, TuneOptions, TuningResult } from './tune/tuner.ts';
export { parseTuning, printTuning } from './tune/tuning-file.ts';
export { type ErrorCode, IsodexError } from './util/errors.ts';
export type { TaskOptions } from './util/tasks.ts';

/** The version of this package. */
export const version: string = __ISODEX_VERSION__;

/** Names that both entry points give. */
export type { AdapterInfo, Engine, EngineInfo, EngineKind, KernelTime } from './host/engine.ts';
export type { EngineOptions, GpuLike } from './host/open.ts';
export { type EstimateOptions, estimate, type MemoryEstimate, type PartBytes } from './index/estimate.ts';
export type { IndexConfig } from './index/factory.ts';
export { type LabelFilter, labelBitset } from './index/filter.ts';
export type { Machine, MeasuredOn, OperatingPoint, TunedChoice } from './index/tuned.ts';
export type {
  AddOptions,
  IndexStats,
  LiveRecall,
  Metric,
  Neighbors,
  RangeNeighbors,
  RangeSearchOptions,
  SearchOptions,
  SearchStats,
  Stray,
  TrainReport,
  VectorBatches,
  VectorIndex,
} from './index/vector-index.ts';
export type { CreateOptions, EngineChoice, FromTuningOptions, IndexChoice, OpenOptions, StrayOptions } from './platform.ts';
export { bestFor, type Choice, frontier, type Objective, type Wish } from './tune/operating-points.ts';
export type { Crossover, LogEntry, TuneOptions, TuningResult } from './tune/tuner.ts';
export { parseTuning, printTuning } from './tune/tuning-file.ts';
export { type ErrorCode, IsodexError } from './util/errors.ts';
export type { TaskOptions } from './util/tasks.ts';
export type { Timing } from './util/timings.ts';

/** The version of this package. */
export const version: string = __ISODEX_VERSION__;

/** What one engine costs on this machine in scans, and in whatever is sent to it. */
export type EngineCosts = {
  /** Integer multiply-adds per millisecond in scans. */
  readonly termsPerMs: number;
  /** Milliseconds for one round of submit and read-back. */
  readonly waitMs: number;
  /** Bytes per millisecond sent to the device; Infinity where nothing is sent. */
  readonly uploadPerMs: number;
};

/** What walks over graphs cost: multiply-adds as graph-search's `terms` counts them. */
export type WalkCosts = {
  /** Per millisecond, with as many queries as keep the engine busy. */
  readonly walkPerMs: number;
  /** Per millisecond of one query alone, waiting for it included. */
  readonly alonePerMs: number;
};

/** What an index over codes is at one time, and as it was made or read. */
import { CodeOriginals } from './code-originals.ts';
import { type CodedConfig, keepsVectors } from './coded-config.ts';
import type { Lists } from './coding/lists.ts';
import type { Trained } from './coding/trained.ts';
import { MemoryOriginals, type WritableOriginals } from './originals.ts';
import type { Snapshot } from './rows.ts';
import type { Settings } from './vector-index.ts';

export interface CodedState {
  readonly snapshot: Snapshot;
  readonly trained: Trained | undefined;
  /** Undefined until rows were added. */
  readonly lists: Lists | undefined;
}

/** An index as it was made or read. */
export interface CodedContent extends CodedState {
  readonly config: CodedConfig;
  readonly settings: Settings;
}

/** An empty place for the vectors of an index with this configuration. */
export function originalsFor(config: CodedConfig, dim: number): WritableOriginals {
  return keepsVectors(config) ? new MemoryOriginals(dim) : new CodeOriginals(dim);
}

/** What the suite writes as JSON and its page draws: raw samples first, then what they say. Seconds, bytes. */
import type { ComparisonReport, SetFacts } from '../report.ts';
import type { Summary } from '../statistics.ts';

/** Neighbours that recall is told of. */
export const RECALLS = [1, 10, 100] as const;
export type RecallAt = (typeof RECALLS)[number];

/** What kinds of index are put beside each other. */
export const KINDS = ['Flat', 'IVF', 'HNSW', 'OPQ+HNSW', 'codes'] as const;
export type Kind = (typeof KINDS)[number];

/** One way to search an index. */
export interface PointReport {
  /** As the library calls them: { efSearch: 64 }; nothing where there is nothing to turn. */
  readonly search: Readonly<Record<string, number>>;
  /** By the number of neighbours: of the search for 10 that is timed, and of one for 100 with the same parameters. null: not offered. */
  readonly recall: Readonly<Record<RecallAt, number | null>>;
  /** Of a batch of all queries, by round. */
  readonly seconds: readonly number[];
  readonly cpuSeconds: readonly number[];
  readonly queriesPerSecond: Summary;
}

/** Single queries, at the cheapest point whose recall@10 is enough; of all points the one that finds most where none is. */
export interface LatencyReport {
  /** Of `points`. */
  readonly point: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly seconds: readonly number[];
}

/** One library with one index, searching with so many threads in a process of its own. */
export interface LaneReport {
  /** Of the report: unlike every other one of its set. */
  readonly id: string;
  /** 'Isodex', 'FAISS', … */
  readonly contender: string;
  readonly kind: Kind;
  /** As the library calls it: 'HNSW32'. */
  readonly index: string;
  readonly threads: number;
  readonly build: {
    readonly seconds: number;
    readonly cpuSeconds: number;
    readonly threads: number;
    readonly date: string;
    readonly loadAverage: number;
    /** Of the index as stored. */
    readonly fileBytes: number;
  };
  readonly memory: {
    /** Resident after loading and searching, less what the process had before. */
    readonly residentBytes: number;
    /** Of `parts`; of resident bytes where there are none. */
    readonly bytesPerVector: number;
    /** What the index says that it holds, by part. */
    readonly parts: Readonly<Record<string, number>> | null;
  };
  readonly points: readonly PointReport[];
  /** null: not measured, as with several threads. */
  readonly latency: LatencyReport | null;
}

/** "HNSW p99 is N % below Flat's", of one thread. */
export interface Reduction {
  /** Whose full scan: 'FAISS Flat'. */
  readonly against: string;
  readonly flatP99: number;
  readonly p99: number;
  readonly recall: number;
  /** 1 − p99 / flatP99. */
  readonly reduction: number;
}

export interface SetReport extends SetFacts {
  /** One-minute load average at each round's start. */
  readonly loadAverages: readonly number[];
  readonly lanes: readonly LaneReport[];
  /** Of Isodex's HNSW. */
  readonly reductions: readonly Reduction[];
  /** Of Isodex: OPQ+HNSW's bytes a vector over HNSW's, where both were measured. */
  readonly memoryShare: { readonly share: number; readonly recall: number } | null;
}

export interface SuiteReport extends ComparisonReport {
  readonly bench: 'suite';
  /** Isodex's version. */
  readonly version: string;
  readonly settings: {
    readonly k: number;
    readonly repeats: number;
    readonly singles: number;
    readonly quick: boolean;
    /** recall@10 from which on a point is fit for latencies. */
    readonly enough: number;
  };
  readonly sets: readonly SetReport[];
}

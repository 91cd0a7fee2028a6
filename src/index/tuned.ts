/**
 * What an index was chosen by: a measured way to build and search it, and what that was measured on. An index keeps it in an
 * optional section of its file, and compares it with what it sees.
 */
import * as v from 'valibot';
import { badFile } from '../util/errors.ts';

const metric = v.picklist(['l2', 'ip', 'cosine']);

/** How an index is made. */
export interface BuildChoice {
  readonly description: string;
  readonly config: { readonly M?: number | undefined; readonly efConstruction?: number | undefined };
}

/** How it is searched. */
export interface SearchChoice {
  readonly efSearch?: number | undefined;
  readonly nprobe?: number | undefined;
  readonly refineFactor?: number | undefined;
}

/** Of single queries, in milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** One index, searched in one way. */
export interface OperatingPoint {
  readonly build: BuildChoice;
  readonly search: SearchChoice;
  /** Ties counted as hits. */
  readonly recall: number;
  /** Within which it lies for other queries of the same kind, in 95 cases of 100. */
  readonly recallInterval: readonly [low: number, high: number];
  readonly latency: Latency;
  /** Queries per second by the size of batches. */
  readonly qps: Readonly<Record<string, number>>;
  readonly buildSeconds: number;
  /** Bytes by part, and their sum. */
  readonly memory: Readonly<Record<string, number>>;
  readonly memoryBytes: number;
}

/** Where times were taken. */
export interface Machine {
  /** 'Node 24.21.0', or how a browser names itself. */
  readonly runtime: string;
  /** The processor's name and the system's, where the runtime tells. */
  readonly system: string;
  /** Threads that run at once. */
  readonly cores: number;
}

export interface MeasuredOn {
  /** SHA-256 of the vectors' values, and of the queries' where they were given. */
  readonly fingerprint: string;
  readonly n: number;
  readonly dim: number;
  readonly metric: v.InferOutput<typeof metric>;
  readonly k: number;
  readonly queries: number;
  /** Whether queries were taken out of the vectors. */
  readonly heldOut: boolean;
  /** Whether the vectors were made up. */
  readonly synthetic: boolean;
  readonly engine: string;
  /** How the GPU names itself and its driver, where there was one. */
  readonly adapter?: string | undefined;
  readonly machine: Machine;
}

/** What an index was chosen by. `measuredOn` is missing where a point alone was given. */
export interface TunedChoice {
  readonly point: OperatingPoint;
  readonly measuredOn?: MeasuredOn | undefined;
}

const positive = v.pipe(v.number(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const interval = v.strictTuple([share, share]);
const bytes = v.record(v.string(), positive);
const rates = v.record(v.string(), positive);

const build = v.strictObject({
  description: v.string(),
  config: v.strictObject({ M: v.optional(count), efConstruction: v.optional(count) }),
});
const search = v.strictObject({ efSearch: v.optional(count), nprobe: v.optional(count), refineFactor: v.optional(positive) });
const latency = v.strictObject({ p50: positive, p95: positive, p99: positive });

/** What other schemas are made of. */
export const parts = { positive, count, share, interval, bytes, rates, build, search, latency } as const;

export const pointSchema = v.strictObject({
  ...{ build, search, recall: share, recallInterval: interval, latency, qps: rates },
  ...{ buildSeconds: positive, memory: bytes, memoryBytes: positive },
});

export const measuredOnSchema = v.strictObject({
  ...{ fingerprint: v.string(), n: count, dim: count, metric, k: count },
  ...{ queries: count, heldOut: v.boolean(), synthetic: v.boolean(), engine: v.string(), adapter: v.optional(v.string()) },
  machine: v.strictObject({ runtime: v.string(), system: v.string(), cores: count }),
});

const tunedSchema = v.strictObject({ point: pointSchema, measuredOn: v.optional(measuredOnSchema) });

/** A choice as a file has it. Throws 'bad-file' and says where it is none. */
export function readTuned(content: unknown, name: string): TunedChoice {
  return valid(tunedSchema, content, name);
}

export function isPoint(value: unknown): value is OperatingPoint {
  return v.is(pointSchema, value);
}

/** JSON that a schema describes. Throws 'bad-file' where it is not. */
export function parsedJson<const S extends v.GenericSchema>(schema: S, text: string, name: string): v.InferOutput<S> {
  return valid(schema, jsonOf(text, name), name);
}

function valid<const S extends v.GenericSchema>(schema: S, value: unknown, name: string): v.InferOutput<S> {
  const read = v.safeParse(schema, value);
  if (read.success) return read.output;
  const [issue] = read.issues;
  throw badFile(`${name} is none of this version: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}

function jsonOf(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badFile(`${name} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

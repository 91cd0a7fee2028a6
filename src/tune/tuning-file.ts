/** Tuning results as JSON, and what older tools wrote. */
import * as v from 'valibot';
import { badArgument, badFile } from '../util/errors.ts';
import { OBJECTIVES, type OperatingPoint } from './operating-points.ts';
import type { TuningResult } from './tuner.ts';

/** Of the format; a reader refuses those that it does not know. */
const FORMAT = 1;

const positive = v.pipe(v.number(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const interval = v.strictTuple([share, share]);
const bytes = v.record(v.string(), positive);

const build = v.strictObject({
  description: v.string(),
  config: v.strictObject({ M: v.optional(count), efConstruction: v.optional(count) }),
});
const search = v.strictObject({ efSearch: v.optional(count), nprobe: v.optional(count), refineFactor: v.optional(positive) });
const latency = v.strictObject({ p50: positive, p95: positive, p99: positive });
const rates = v.record(v.string(), positive);

const point = v.strictObject({
  ...{ build, search, recall: share, recallInterval: interval, latency, qps: rates },
  ...{ buildSeconds: positive, memory: bytes, memoryBytes: positive },
});

const trial = v.strictObject({
  ...{ build, rows: count, buildSeconds: positive, memory: bytes },
  searches: v.array(
    v.strictObject({
      ...{ search, recall: share, recallInterval: interval, distances: positive },
      ...{ latency: v.optional(latency), qps: v.optional(rates) },
    }),
  ),
});

const limits = ['minRecall', 'maxP99', 'maxMemory', 'maxBuild'] as const;

const tuning = v.strictObject({
  format: v.literal(FORMAT),
  isodex: v.string(),
  wish: v.strictObject({
    ...{ minRecall: v.optional(share), maxP99: v.optional(positive), maxMemory: v.optional(positive), maxBuild: v.optional(positive) },
    objective: v.optional(v.picklist(OBJECTIVES)),
  }),
  measuredOn: v.strictObject({
    ...{ fingerprint: v.string(), n: count, dim: count, metric: v.picklist(['l2', 'ip', 'cosine']), k: count },
    ...{ queries: count, heldOut: v.boolean(), engine: v.string() },
  }),
  best: v.optional(point),
  nearest: v.optional(point),
  missed: v.array(v.picklist(limits)),
  points: v.array(point),
  trials: v.array(trial),
  log: v.array(v.strictObject({ at: positive, event: v.string(), skipped: v.optional(v.boolean()) })),
});

/** A result as JSON; `version` is that of the library. */
export function printTuning(result: TuningResult, version: string): string {
  return `${JSON.stringify({ format: FORMAT, isodex: version, ...result }, undefined, 2)}\n`;
}

/** Reads what `printTuning` wrote. Throws 'bad-file' and says where it is something else. */
export function parseTuning(text: string, name = 'the tuning result'): TuningResult {
  return parsed(tuning, text, name) as TuningResult;
}

/** One trial, a line of a journal. Throws 'bad-file'. */
export function parseTrial(text: string, name: string): TuningResult['trials'][number] {
  return parsed(trial, text, name) as TuningResult['trials'][number];
}

function parsed<const S extends v.GenericSchema>(schema: S, text: string, name: string): v.InferOutput<S> {
  const read = v.safeParse(schema, jsonOf(text, name));
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

/** How the older system wrote its choice: an index type and its parameters. */
const older = v.object({
  index_type: v.picklist(['Flat', 'IVF', 'LSH', 'HNSW', 'OPQ+HNSW']),
  parameters: v.optional(v.record(v.string(), v.number()), {}),
});

export type OlderChoice = v.InferInput<typeof older>;

/** What an index is made with, from a result's point or from the older system's choice. Throws 'bad-argument' for anything else. */
export function choiceOf(choice: OperatingPoint | OlderChoice): { description: string; config: Record<string, unknown> } {
  if (choice === undefined)
    throw badArgument('the index is undefined; where tune found none that meets the wish, best is: give nearest, or a description');
  if (v.is(point, choice)) return { description: choice.build.description, config: { ...choice.build.config, ...choice.search } };
  const read = v.safeParse(older, choice);
  if (!read.success)
    throw badArgument('the index is neither a description, nor a point of a tuning result, nor { index_type, parameters }');
  const { index_type: description, parameters } = read.output;
  const config = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [OLDER_NAMES[name] ?? name, value]));
  return { description, config };
}

const OLDER_NAMES: Readonly<Record<string, string>> = {
  ...{ m: 'M', m_hnsw: 'M', m_pq: 'nSubquantizers', n_subquantizers: 'nSubquantizers', n_bits: 'nBits', nbits: 'nBits' },
  ...{ ef_construction: 'efConstruction', ef_search: 'efSearch', n_list: 'nlist', n_probe: 'nprobe' },
};

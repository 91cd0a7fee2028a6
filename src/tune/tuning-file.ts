/** Tuning results as JSON, and what older tools wrote. */
import * as v from 'valibot';
import {
  isPoint,
  type MeasuredOn,
  measuredOnSchema,
  type OperatingPoint,
  parsedJson,
  parts,
  pointSchema,
  type TunedChoice,
} from '../index/tuned.ts';
import type { Metric } from '../index/vector-index.ts';
import { badArgument } from '../util/errors.ts';
import { OBJECTIVES } from './operating-points.ts';
import type { TuningResult } from './tuner.ts';

/** Of the format; a reader refuses those that it does not know. */
const FORMAT = 1;

const { positive, count, share, interval, bytes, rates, build, search, latency } = parts;

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
  measuredOn: measuredOnSchema,
  best: v.optional(pointSchema),
  nearest: v.optional(pointSchema),
  missed: v.array(v.picklist(limits)),
  points: v.array(pointSchema),
  trials: v.array(trial),
  crossovers: v.array(v.strictObject({ build, search, cpu: rates, gpu: rates, from: v.nullable(count) })),
  log: v.array(v.strictObject({ at: positive, event: v.string(), skipped: v.optional(v.boolean()) })),
});

/** Of a result, what an index is made from. */
const chosen = v.object({ best: v.optional(pointSchema), measuredOn: measuredOnSchema });

/** A result as JSON; `version` is that of the library. */
export function printTuning(result: TuningResult, version: string): string {
  return `${JSON.stringify({ format: FORMAT, isodex: version, ...result }, undefined, 2)}\n`;
}

/** Reads what `printTuning` wrote. Throws 'bad-file' and says where it is something else. */
export function parseTuning(text: string, name = 'the tuning result'): TuningResult {
  return parsedJson(tuning, text, name) as TuningResult;
}

/** One trial, a line of a journal. Throws 'bad-file'. */
export function parseTrial(text: string, name: string): TuningResult['trials'][number] {
  return parsedJson(trial, text, name) as TuningResult['trials'][number];
}

/** How the older system wrote its choice: an index type and its parameters. */
const older = v.object({
  index_type: v.picklist(['Flat', 'IVF', 'LSH', 'HNSW', 'OPQ+HNSW']),
  parameters: v.optional(v.record(v.string(), v.number()), {}),
});

export type OlderChoice = v.InferInput<typeof older>;

/** What an index is made with; and what it was chosen by, where it was measured. */
export interface Made {
  readonly description: string;
  readonly config: Record<string, unknown>;
  readonly tuned: TunedChoice | undefined;
}

/** What an index is made with, from a result's point or from the older system's choice. Throws 'bad-argument' for anything else. */
export function choiceOf(choice: OperatingPoint | OlderChoice): Made {
  if (choice === undefined)
    throw badArgument('the index is undefined; where tune found none that meets the wish, best is: give nearest, or a description');
  if (isPoint(choice)) {
    return { description: choice.build.description, config: { ...choice.build.config, ...choice.search }, tuned: { point: choice } };
  }
  const read = v.safeParse(older, choice);
  if (!read.success)
    throw badArgument('the index is neither a description, nor a point of a tuning result, nor { index_type, parameters }');
  const { index_type: description, parameters } = read.output;
  const config = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [OLDER_NAMES[name] ?? name, value]));
  return { description, config, tuned: undefined };
}

/** What a result chose. Throws 'bad-argument' where it chose none, or was measured on vectors of another dim or metric. */
export function chosenBy(
  result: TuningResult,
  { dim, metric }: { readonly dim?: number | undefined; readonly metric?: Metric | undefined },
): { readonly point: OperatingPoint; readonly measuredOn: MeasuredOn } {
  if (!v.is(chosen, result)) throw badArgument('the tuning result is none; give what tune or parseTuning returned');
  const { best, measuredOn } = result;
  if (!best) throw badArgument('the tuning result has no best point: nothing met its wish; give one of its points to createIndex');
  const differs = (name: string, given: unknown, there: unknown) =>
    badArgument(`${name} is ${given}, but the tuning result was measured on ${there}; leave it out, or tune anew`);
  if (dim !== undefined && dim !== measuredOn.dim) throw differs('dim', dim, measuredOn.dim);
  if (metric !== undefined && metric !== measuredOn.metric) throw differs('metric', metric, measuredOn.metric);
  return { point: best, measuredOn };
}

const OLDER_NAMES: Readonly<Record<string, string>> = {
  ...{ m: 'M', m_hnsw: 'M', m_pq: 'nSubquantizers', n_subquantizers: 'nSubquantizers', n_bits: 'nBits', nbits: 'nBits' },
  ...{ ef_construction: 'efConstruction', ef_search: 'efSearch', n_list: 'nlist', n_probe: 'nprobe' },
};

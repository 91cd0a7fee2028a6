/** One index on two engines, batch by batch: what searches take by the wall, and on the device. */
import type * as Isodex from '../../src/node.ts';
import { quantile } from '../statistics.ts';
import { batchOf, type Data } from './data.ts';
import type { BatchReport, DeviceTime, Timing } from './report.ts';

/** The same index where it is searched. */
export interface Lanes {
  readonly gpu: Isodex.VectorIndex;
  readonly cpu: Isodex.VectorIndex;
}

/** Rounds of a batch: small ones are short, and their latencies spread. */
const MOST_ROUNDS = 200;
const FEWEST_ROUNDS = 3;
/** Seconds after which a batch has been measured enough on one engine; and after which a few rounds must do. */
const ENOUGH = 1;
const PATIENCE = 6;

const LANES = ['gpu', 'cpu'] as const;

/** Both engines in turns. */
export async function batchReport(lanes: Lanes, data: Data, batch: number, search: Isodex.SearchOptions): Promise<BatchReport> {
  const seconds = { gpu: [] as number[], cpu: [] as number[] };
  for (const lane of LANES) await lanes[lane].search(batchOf(data, batch), search); // compiles, allocates
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const wanting = LANES.filter((lane) => wantsMore(seconds[lane]));
    if (wanting.length === 0) break;
    const queries = batchOf(data, batch, round * batch);
    for (const lane of wanting) seconds[lane].push(await secondsOf(() => lanes[lane].search(queries, search)));
  }
  const device = await deviceTime(lanes.gpu.engine, () => lanes.gpu.search(batchOf(data, batch), search));
  const { engine: answeredBy } = await lanes.gpu.search(batchOf(data, batch), search);
  return { batch, answeredBy, gpu: timingOf(seconds.gpu, batch), cpu: timingOf(seconds.cpu, batch), device };
}

function wantsMore(seconds: readonly number[]): boolean {
  const spent = sum(seconds);
  return seconds.length === 0 || spent < ENOUGH || (seconds.length < FEWEST_ROUNDS && spent < PATIENCE);
}

/** What some work takes on the device, where it tells. */
export async function deviceTime(engine: Isodex.Engine, work: () => Promise<unknown>): Promise<DeviceTime | null> {
  if (!engine.profile) return null;
  const started = performance.now();
  const { kernels } = await engine.profile(work);
  const wallSeconds = (performance.now() - started) / 1000;
  return { seconds: sum(kernels.map(({ nanoseconds }) => nanoseconds)) / 1e9, wallSeconds, kernels };
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function timingOf(seconds: readonly number[], batch: number): Timing {
  const p50 = quantile(seconds, 0.5);
  return { rounds: seconds.length, p50Ms: 1000 * p50, p99Ms: 1000 * quantile(seconds, 0.99), queriesPerSecond: batch / p50 };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** Options that several commands take, each defined once. */
import { InvalidArgumentError, Option } from 'commander';
import type { EngineKind, Metric } from '../names.ts';

/** Which engine, as `--engine` and `--threads` give it. */
export interface EngineArgs {
  readonly engine: EngineKind;
  readonly threads?: number;
}

/** What every command that searches takes. */
export interface SearchArgs extends EngineArgs {
  readonly k: number;
  readonly limit?: number;
}

const METRICS: readonly Metric[] = ['l2', 'ip', 'cosine'];
const ENGINES: readonly EngineKind[] = ['auto', 'gpu', 'cpu', 'reference'];

export const index = new Option('--index <description>', 'kind of index').default('Flat');

export const metric = new Option('--metric <name>', 'distance').choices(METRICS).default('l2');

export const engine = new Option('--engine <kind>', 'what computes; the answer is the same').choices(ENGINES).default('auto');

export const threads = new Option('--threads <n>', 'CPU threads (default: one for each core)').argParser(integer(1, 1024));

export const seed = new Option('--seed <n>', 'seed of whatever is drawn at random').argParser(integer(0, 0xffffffff)).default(1);

export const k = new Option('-k, --k <n>', 'neighbours for each query').argParser(integer(1, 2 ** 24)).default(10);

export const format = new Option('--format <name>', 'how results are written').choices(['table', 'json', 'ivecs']).default('table');

export function limit(what: string): Option {
  return new Option('--limit <n>', `take only the first n ${what}`).argParser(integer(1, Number.MAX_SAFE_INTEGER));
}

function integer(least: number, most: number): (text: string) => number {
  const range = most >= 2 ** 24 ? `of at least ${least}` : `from ${least} to ${most}`;
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give an integer ${range}.`);
  };
}

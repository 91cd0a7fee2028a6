/** The suite on a command line. */
import type { Command } from 'commander';
import { SET_NAMES } from '../data-sets.ts';
import { compared, comparing, list } from '../options.ts';
import { save, write } from '../results.ts';
import { benchSuite, type SuiteOptions } from './bench.ts';
import { PEER_NAMES } from './contenders.ts';
import { suiteFiles } from './files.ts';
import { KINDS, type Kind } from './report.ts';
import { suiteText } from './text.ts';

/** What options are where they are not given. */
const USUAL = {
  data: 'fashion-mnist,glove,minilm',
  limit: undefined,
  queries: 1000,
  repeats: 5,
  singles: 500,
  patience: 0,
  budget: { costlyBuilds: Infinity, builds: Infinity, rounds: Infinity },
};
/** Two minutes in all, on two cores. */
const QUICK = {
  data: 'fashion-mnist',
  limit: 10_000,
  queries: 200,
  repeats: 3,
  singles: 200,
  patience: 20,
  budget: { costlyBuilds: 40, builds: 55, rounds: 90 },
};

const AGAINST = 'hnswlib-node,usearch,faiss,zvec,lancedb';

/** Gives a command the suite's options, and has it run the suite. */
export function suiteCommand(command: Command): Command {
  return comparing(
    command
      .description('every kind of index beside other libraries in one run: recall, speed, latency, builds and memory')
      .option('--data <sets>', `of ${SET_NAMES.join(', ')}, or a file of vectors (default: ${USUAL.data}; quick ${QUICK.data})`)
      .option('--folder <folder>', 'where data sets are (default: ISODEX_DATA)', process.env.ISODEX_DATA)
      .option('--queries <n|file>', `queries of a batch (default: ${USUAL.queries}; quick ${QUICK.queries}), or a file of them`)
      .option('--metric <metric>', 'of a file of vectors: l2, cosine', 'l2')
      .option('--against <libraries>', `of ${PEER_NAMES.join(', ')}; empty for none`, AGAINST)
      .option('--kinds <kinds>', 'of indexes, with commas between', KINDS.join(','))
      .option('--indexes <descriptions...>', 'only these, as libraries call them, with spaces between')
      .option('--quick', `two minutes: ${QUICK.limit} rows, fewer indexes and rounds`)
      .option('--slow', "FAISS's OPQ+HNSW too, which takes ten CPU minutes to build")
      .option('--rebuild', 'build every index anew, as build times want it, rather than take it from the cache'),
    {},
  ).action((options) => runSuite(options));
}

async function runSuite(options: ReturnType<Command['opts']>): Promise<void> {
  const { out } = options;
  const report = await benchSuite(suiteOptions(options, async (soFar) => save(out, { 'suite.json': soFar })));
  console.log(suiteText(report));
  write(out, await suiteFiles(report));
}

function suiteOptions(options: ReturnType<Command['opts']>, keep: SuiteOptions['keep']): SuiteOptions {
  const quick = options.quick === true;
  const defaults = quick ? QUICK : USUAL;
  const { patience, budget } = defaults;
  const { limit = defaults.limit, repeats = defaults.repeats, singles = defaults.singles, data = defaults.data } = options;
  return {
    ...compared({ ...options, limit, repeats, singles }, options.folder),
    ...queriesOf(options, defaults.queries),
    sets: list(data),
    peers: list(options.against),
    kinds: kindsOf(options.kinds),
    indexes: options.indexes ?? [],
    slow: options.slow === true,
    rebuild: options.rebuild === true,
    quick,
    patience,
    budget,
    keep,
  };
}

/** '1000', or a file: then all of it, as far as the usual number goes. */
function queriesOf({ queries = '', metric }: ReturnType<Command['opts']>, usual: number): Pick<SuiteOptions, 'queries' | 'own'> {
  if (metric !== 'l2' && metric !== 'cosine') throw new Error(`--metric: there is no '${metric}'; give l2 or cosine`);
  const n = queries === '' ? usual : Number(queries);
  if (Number.isNaN(n)) return { queries: usual, own: { file: queries, metric } };
  if (!Number.isInteger(n) || n < 1) throw new Error(`--queries ${queries}: give an integer ≥ 1, or a file`);
  return { queries: n };
}

function kindsOf(text: string): Kind[] {
  return list(text).map((name) => {
    const kind = KINDS.find((one) => one.toLowerCase() === name.toLowerCase());
    if (!kind) throw new Error(`--kinds: there is no '${name}'; give some of ${KINDS.join(', ')}`);
    return kind;
  });
}

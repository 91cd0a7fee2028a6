import { describe } from '../machine.ts';
import { factsText } from '../report.ts';
import { quantile } from '../statistics.ts';
import { spread, table, three } from '../table.ts';
import type { Chosen, TuningReport, TuningSetReport } from './bench.ts';

export function tuningText({ machine, date, settings, skipped, sets }: TuningReport): string {
  return [
    `${describe(machine)}, ${date}; recall wanted ${settings.minRecall}, ${settings.threads} threads`,
    ...skipped.map(({ what, reason }) => `  skipped ${what}: ${reason}`),
    ...sets.map(setText),
  ].join('\n');
}

function setText(set: TuningSetReport): string {
  const header = ['', 'seconds', 'recall promised', 'fresh', 'p99 promised', 'p50 ms', 'p99 ms', 'batch ms'];
  return [
    '',
    factsText(set),
    table(header, [set.tuner, set.grid].map(row)),
    `time: ${three(100 * set.timeShare)} % of the grid's (${set.gridPoints.length} points)`,
    `times as fast as the grid's choice: p50 ${spread(set.ratios.p50)}, p99 ${spread(set.ratios.p99)}, batch ${spread(set.ratios.batch)}`,
  ].join('\n');
}

function row({ by, index, search, seconds, promised, recall, p50, p99, batch }: Chosen): string[] {
  const median = (ms: readonly number[]) => three(quantile(ms, 0.5));
  const numbers = [
    three(seconds),
    promised.recall.toFixed(4),
    recall.toFixed(4),
    three(promised.p99),
    median(p50),
    median(p99),
    median(batch),
  ];
  return [`${by}: ${index}, efSearch ${search.efSearch}`, ...numbers];
}

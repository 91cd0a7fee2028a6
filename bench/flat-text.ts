/** The flat bench as text for a terminal. */
import type { FlatReport, Result, SetReport } from './flat.ts';
import { factsText, headingText } from './report.ts';
import { spread, table, three } from './table.ts';

export function flatText(report: FlatReport): string {
  return [...headingText(report), ...report.sets.map((set) => setText(set, report.settings.k))].join('\n');
}

function setText(set: SetReport, k: number): string {
  const { rows, dim, results, loadAverages } = set;
  const title = `${factsText(set)}, k ${k}, intrinsic dimension about ${three(set.intrinsicDimension)}`;
  const load = `load average ${loadAverages.map((one) => one.toFixed(1)).join(' ')} over the rounds; medians (least–most); × is times as fast as FAISS on one thread, by round`;
  const notes = results.flatMap(({ label, build }) => (build.note ? [`${label}: ${build.note}`] : []));
  return ['', title, load, ...notes, '', speeds(results), '', costs(results, dim, rows)].join('\n');
}

function speeds(results: readonly Result[]): string {
  return table(
    [
      'contender',
      'batch s',
      'queries/s',
      '×',
      '× of bests',
      '× by CPU time',
      '× Isodex 1 thread',
      'single p50 ms',
      'p99 ms',
      'agrees',
      'differing',
    ],
    results.map((one) => [
      one.label,
      spread(one.batch),
      three(one.queriesPerSecond),
      one.ratio ? spread(one.ratio) : '–',
      one.bestRatio === undefined ? '–' : three(one.bestRatio),
      one.cpuRatio ? three(one.cpuRatio.median) : '–',
      one.againstOneThread ? three(one.againstOneThread.median) : '–',
      three(one.singleP50 * 1000),
      three(one.singleP99 * 1000),
      one.agreement === undefined ? '–' : `${(100 * one.agreement).toFixed(3)} %`,
      one.differing === undefined ? '–' : String(one.differing),
    ]),
  );
}

function costs(results: readonly Result[], dim: number, rows: number): string {
  const MiB = 2 ** 20;
  return table(
    [
      'contender',
      'add s',
      'prepare s',
      'first batch s',
      'bytes/row (originals + labels + codes)',
      'over codes + originals',
      'RSS + MiB',
      'after searches',
      'peak MiB',
    ],
    results.map(({ label, build, firstSearch, memory }) => {
      const { originals = 0, labels = 0, codes = 0 } = build.memory;
      const needed = dim * 4 * rows + codes;
      const held = build.rssBuilt - build.rssBefore;
      const afterwards = memory.rss - build.rssBefore;
      return [
        label,
        three(build.add),
        three(build.prepare),
        three(firstSearch),
        `${three((originals + labels + codes) / rows)} (${[originals, labels, codes].map((part) => three(part / rows)).join(' + ')})`,
        `${(100 * ((originals + labels + codes) / needed - 1)).toFixed(1)} %`,
        `${three(held / MiB)} (${three(held / needed)} ×)`,
        `${three(afterwards / MiB)} (${three(afterwards / needed)} ×)`,
        three(memory.peak / MiB),
      ];
    }),
  );
}

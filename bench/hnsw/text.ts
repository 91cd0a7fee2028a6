/** The hnsw bench as text for a terminal. */
import { factsText, headingText } from '../report.ts';
import type { Summary } from '../statistics.ts';
import { spread, table, three } from '../table.ts';
import { ISODEX } from './candidates.ts';
import { partsText } from './parts-text.ts';
import { type HnswReport, type LaneReport, type SetReport, TARGETS, type TargetReport } from './report.ts';
import { LATENCY_RECALL } from './sweep.ts';

const MiB = 2 ** 20;
/** The ef at which recalls are listed side by side. */
const COMMON_EF = 64;

export function hnswText(report: HnswReport): string {
  return [...headingText(report), ...report.sets.map((set) => setText(set, report.settings))].join('\n');
}

function setText(set: SetReport, { k, efConstruction }: HnswReport['settings']): string {
  const { rows, lanes, loadAverages } = set;
  const title = `${factsText(set)}, k ${k}, efConstruction ${efConstruction}`;
  if (loadAverages.length === 0) return ['', title, '', builds(lanes, rows)].join('\n');
  const load = `load average ${loadAverages.map((one) => one.toFixed(1)).join(' ')} over the rounds; one thread; medians (least–most)`;
  return [
    ...['', title, load, '', speeds(lanes), ...atLeastNote(lanes)],
    ...['', builds(lanes, rows)],
    ...(set.rivals.some(({ ratios }) => ratios.some(({ ratio }) => ratio)) ? ['', rivals(set)] : []),
    ...set.recallDifferences.map(
      ({ against, m, ef, difference }) =>
        `M ${m}: recall at equal ef less that of ${against}: ${difference.toFixed(4)} where it is least, ef ${ef}`,
    ),
    ...(set.isodex ? ['', partsText(set.isodex, rows)] : []),
  ].join('\n');
}

function speeds(lanes: readonly LaneReport[]): string {
  const header = [
    'contender',
    'M',
    ...TARGETS.map((recall) => `queries/s at ${recall.toFixed(2)}`),
    `recall at ef ${COMMON_EF}`,
    `ef for ${LATENCY_RECALL}`,
    'single p50 ms',
    'p99 ms',
  ];
  const rows = lanes.map(({ label, m, targets, points, latency }) => [
    label,
    String(m),
    ...targets.map(speed),
    points.find(({ ef }) => ef === COMMON_EF)?.recall.toFixed(4) ?? '–',
    ...(latency ? [String(latency.ef), three(latency.p50 * 1000), three(latency.p99 * 1000)] : ['–', '–', '–']),
  ]);
  return table(header, rows);
}

function speed({ queriesPerSecond, atLeast }: TargetReport): string {
  return queriesPerSecond === null ? 'not reached' : `${Math.round(queriesPerSecond).toLocaleString('en')}${atLeast ? '*' : ' '}`;
}

function atLeastNote(lanes: readonly LaneReport[]): string[] {
  const marked = lanes.some(({ targets }) => targets.some(({ atLeast }) => atLeast));
  return marked ? ['* at its lowest ef, where its recall is above that'] : [];
}

/** Beside what Isodex takes at the same M with all threads; hnswlib-node has one, so its CPU seconds compare better. */
function builds(lanes: readonly LaneReport[], rows: number): string {
  const ours = new Map(lanes.filter(({ id }) => id === ISODEX).map(({ m, build }) => [m, build]));
  const times = (mine: number, isodex: number | undefined) => (isodex ? `${three(mine)} (${three(mine / isodex)} ×)` : three(mine));
  return table(
    ['contender', 'M', 'build s', 'threads', 'CPU s', 'load average then', 'stored bytes/row', 'resident bytes/row', 'note'],
    lanes.map(({ label, m, build, load }) => [
      label,
      String(m),
      times(build.seconds, ours.get(m)?.seconds),
      String(build.threads),
      times(build.cpuSeconds, ours.get(m)?.cpuSeconds),
      build.loadAverage.toFixed(1),
      three(build.bytes / rows),
      `${three((load.rss - load.rssBefore) / rows)} (${three((load.rss - load.rssBefore) / MiB)} MiB)`,
      build.note ?? '',
    ]),
  );
}

function rivals({ rivals }: SetReport): string {
  const cell = (summary: Summary | null) => (summary ? spread(summary) : '–');
  const rows = rivals.map(({ family, ratios }) => [
    family,
    ...ratios.map(({ ratio }) => cell(ratio)),
    ...ratios.map(({ cpuRatio }) => (cpuRatio ? three(cpuRatio.median) : '–')),
  ]);
  const columns = (what: string) => TARGETS.map((recall) => `${what} ${recall.toFixed(2)}`);
  return table(['Isodex is times as fast as', ...columns('at'), ...columns('by CPU time')], rows);
}

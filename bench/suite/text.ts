/** The suite as text for a terminal. */
import { settingText } from '../compressed/cases.ts';
import { factsText, headingText } from '../report.ts';
import { spread, table, three } from '../table.ts';
import { type LaneReport, RECALLS, type Reduction, type SetReport, type SuiteReport } from './report.ts';
import { latencyPoint } from './summary.ts';

const MiB = 2 ** 20;

export function suiteText(report: SuiteReport): string {
  return [...headingText(report), ...report.sets.map((set) => setText(set, report.settings))].join('\n');
}

function setText(set: SetReport, { repeats, enough }: SuiteReport['settings']): string {
  const { lanes, loadAverages, reductions, memoryShare, rows } = set;
  const conditions =
    `${repeats} rounds, medians (least–most); each index at its cheapest point with recall@10 ≥ ${enough}, or where it finds most; ` +
    `load average ${loadAverages.map((one) => one.toFixed(1)).join(' ')}`;
  return [
    ...['', factsText(set), conditions, '', speeds(lanes)],
    ...['', costs(lanes)],
    ...(lanes.some(({ memory: { parts } }) => !parts) ? ['* of the process: the library does not tell what its index holds'] : []),
    '',
    ...reductions.map(reductionText),
    ...(memoryShare ? [shareText(memoryShare, rows)] : []),
  ].join('\n');
}

function speeds(lanes: readonly LaneReport[]): string {
  const header = ['index', 'threads', 'at', ...RECALLS.map((k) => `recall@${k}`), 'queries/s', 'single p50 ms', 'p95 ms', 'p99 ms'];
  return table(header, lanes.map(speedRow));
}

function speedRow({ contender, index, threads, points, latency }: LaneReport): string[] {
  const { search, recall, queriesPerSecond } = points[latencyPoint(points)]!;
  const times = latency ? [latency.p50, latency.p95, latency.p99].map((seconds) => three(seconds * 1000)) : ['–', '–', '–'];
  return [
    `${contender} ${index}`,
    String(threads),
    settingText(search) || '–',
    ...RECALLS.map((k) => recall[k]?.toFixed(3) ?? '–'),
    spread(queriesPerSecond),
    ...times,
  ];
}

/** An index is built once, however many threads search it. */
function costs(lanes: readonly LaneReport[]): string {
  const least = Math.min(...lanes.map(({ threads }) => threads));
  const rows = lanes
    .filter(({ threads }) => threads === least)
    .map(({ contender, index, build, memory }) => [
      `${contender} ${index}`,
      three(build.seconds),
      String(build.threads),
      three(build.cpuSeconds),
      three(build.fileBytes / MiB),
      three(memory.residentBytes / MiB),
      `${three(memory.bytesPerVector)}${memory.parts ? ' ' : '*'}`,
    ]);
  return table(['index', 'build s', 'threads', 'CPU s', 'stored MiB', 'resident MiB', 'bytes a vector '], rows);
}

/** "HNSW p99 is 94 % below Flat's (FAISS Flat 4.90 ms → 0.30 ms, recall 0.97)" */
export function reductionText({ against, flatP99, p99, recall, reduction }: Reduction): string {
  const share = 100 * Math.abs(reduction);
  const percent = share >= 99.5 && share < 100 ? share.toFixed(2) : String(Math.round(share)); // 100 % would be none left
  const where = reduction >= 0 ? 'below' : 'above';
  return `HNSW p99 is ${percent} % ${where} Flat's (${against} ${three(flatP99 * 1000)} ms → ${three(p99 * 1000)} ms, recall ${recall.toFixed(2)})`;
}

function shareText({ share, recall }: NonNullable<SetReport['memoryShare']>, rows: number): string {
  return `OPQ+HNSW holds ${three(100 * share)} % of what HNSW holds, for each of ${rows.toLocaleString('en')} vectors, at recall ${recall.toFixed(2)}`;
}

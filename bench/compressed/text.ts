/** The compressed bench as Markdown, for docs/performance.md. */
import type { Setting } from '../index-protocol.ts';
import { factsText, headingText } from '../report.ts';
import { spread, three } from '../table.ts';
import { settingText } from './cases.ts';
import type { CaseReport, CompressedReport, LaneReport, RivalReport, SetReport } from './report.ts';

export function compressedText(report: CompressedReport): string {
  const { k, repeats, efConstruction } = report.settings;
  return [
    ...headingText(report),
    ...report.sets.flatMap((set) => [
      '',
      `### ${factsText(set)}`,
      '',
      `k ${k}; batches and single queries on one thread; medians of ${repeats} rounds (least–most); × is times as fast as FAISS, by round.`,
      '',
      searches(set),
      '',
      `Bytes of a vector, and what building took with ${threadsOf(set)} (efConstruction ${efConstruction}); % of HNSW32 over float vectors.`,
      '',
      costs(set),
      ...notes(set),
    ]),
  ].join('\n');
}

function threadsOf({ cases }: SetReport): string {
  const counts = cases.flatMap(({ lanes }) => lanes.map(({ build }) => build.threads));
  return `${Math.max(0, ...counts)} threads`;
}

function searches({ cases }: SetReport): string {
  const header = [
    ...['index', 'against FAISS', 'at', 'recall', 'with ties', "FAISS's", 'least difference', 'queries/s', '×', '× by CPU time'],
    ...['× at recall', 'single p50 / p99 ms', "FAISS's", 'load'],
  ];
  return markdown(
    header,
    cases.flatMap((one) => rowsOf(one)),
  );
}

/** A line for each index of FAISS that the case is held against, or for each place of its vectors where there is none. */
function rowsOf({ lanes, rivals, loadAverages }: CaseReport): string[][] {
  const ours = lanes.filter(({ id }) => id === 'isodex');
  const load = three(loadAverages.reduce((sum, one) => sum + one, 0) / loadAverages.length);
  const pairs = [
    ...rivals.map((rival) => ({ mine: ours[0]!, rival })),
    ...ours.slice(rivals.length > 0 ? 1 : 0).map((mine) => ({ mine, rival: undefined })),
  ];
  return pairs.map(({ mine, rival }) => {
    const theirs = rival && lanes.find(({ id, description }) => id === 'faiss' && description === rival.description);
    return [...ownCells(mine, rival), ...rivalCells(mine, rival, theirs), load];
  });
}

function ownCells(mine: LaneReport, rival: RivalReport | undefined): string[] {
  return [nameOf(mine), rival?.description ?? '–', settingText(mine.latency.setting) || '–'];
}

function rivalCells(mine: LaneReport, rival: RivalReport | undefined, theirs: LaneReport | undefined): string[] {
  const at = mine.latency.setting;
  const point = pointAt(mine, at);
  const speed = rival?.atSetting.find(({ setting }) => same(setting, at));
  const atRecall = rival?.atRecall;
  return [
    point.recall.toFixed(4),
    point.recallWithTies.toFixed(4),
    theirs ? pointAt(theirs, at).recall.toFixed(4) : '–',
    rival ? rival.difference.recall.toFixed(4) : '–',
    Math.round(point.queriesPerSecond).toLocaleString('en'),
    speed ? spread(speed.ratio) : '–',
    speed ? three(speed.cpuRatio.median) : '–',
    atRecall ? `${spread(atRecall.ratio)} at ${atRecall.recall}` : '–',
    latency(mine),
    theirs ? latency(theirs) : '–',
  ];
}

function latency({ latency: { p50, p99 } }: LaneReport): string {
  return `${three(p50 * 1000)} / ${three(p99 * 1000)}`;
}

function costs({ cases, rows, dim }: SetReport): string {
  return markdown(
    ['index', 'in memory', 'of it', '%', 'in the file', 'resident', 'training s (CPU s)', 'adding s (CPU s)', 'load'],
    cases.flatMap(({ lanes }) =>
      lanes.map((lane) => {
        const { build, load, bytesPerRow, fileBytesPerRow } = lane;
        const held = Object.entries(load.memory ?? {}).filter(([, bytes]) => bytes > 0);
        return [
          labelOf(lane),
          three(bytesPerRow),
          held.map(([part, bytes]) => `${part} ${three(bytes / rows)}`).join(', '),
          three((100 * bytesPerRow) / hnswBytes(dim)),
          three(fileBytesPerRow),
          three((load.rss - load.rssBefore) / rows),
          `${three(build.train.seconds)} (${three(build.train.cpuSeconds)})`,
          `${three(build.add.seconds)} (${three(build.add.cpuSeconds)})`,
          three(build.loadAverage),
        ];
      }),
    ),
  );
}

/** What contenders said when they built and loaded. */
function notes({ cases }: SetReport): string[] {
  const lines = cases.flatMap(({ lanes }) =>
    lanes.flatMap((lane) => [...lane.build.warnings, lane.load.note ?? ''].filter(Boolean).map((note) => `- ${labelOf(lane)}: ${note}`)),
  );
  return lines.length > 0 ? ['', ...new Set(lines)] : [];
}

function labelOf(lane: LaneReport): string {
  return lane.id === 'faiss' ? `FAISS ${lane.description}` : nameOf(lane);
}

/** Bytes of a float vector in HNSW32, the yardstick for memory: its values, 64 links on layer 0, and about one on upper layers. */
export function hnswBytes(dim: number): number {
  return 4 * dim + 4 * 65;
}

function nameOf({ description, originals }: Pick<LaneReport, 'description' | 'originals'>): string {
  return originals === 'disk' ? `${description} (vectors on disk)` : description;
}

function pointAt({ points }: LaneReport, wanted: Setting) {
  return points.find(({ setting }) => same(setting, wanted))!;
}

function same(a: Setting, b: Setting): boolean {
  return settingText(a) === settingText(b);
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, c) => (c === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

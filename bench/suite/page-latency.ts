/** Single queries: a row for each lane, a faint tick for each sixtieth of its queries, and p50, p95, p99 on it. */
import { quantile } from '../statistics.ts';
import { three } from '../table.ts';
import type { Layers } from './page-chart.ts';
import {
  colourScale,
  decimalTicks,
  isOurs,
  LINE,
  labelAxis,
  laneName,
  milliseconds,
  ours,
  recallText,
  roomFor,
  SOFT,
  searchText,
  told,
} from './page-look.ts';
import type { LaneReport, LatencyReport } from './report.ts';

const TICKS = 60;
/** Of what stands behind the mark of p99. */
const TEXT_WIDTH = 120;
const PERCENTILES = ['p50', 'p95', 'p99'] as const;

type Timed = LaneReport & { readonly latency: LatencyReport };

/** Fastest p99 first. */
export function timedLanes(lanes: readonly LaneReport[]): Timed[] {
  return lanes.filter((lane): lane is Timed => lane.latency !== null).sort((a, b) => a.latency.p99 - b.latency.p99);
}

export function latencyLayers(lanes: readonly LaneReport[], contenders: readonly string[]): Layers {
  const timed = timedLanes(lanes);
  const rows = timed.map(rowOf);
  const y = labelAxis(rows);
  const [least, most] = [
    Math.min(...timed.map(({ latency }) => quantile(latency.seconds, 0.005))),
    Math.max(...timed.map(({ latency }) => Math.max(latency.p99, quantile(latency.seconds, 0.995)))),
  ].map((seconds) => seconds * 1000) as [number, number];
  const x = {
    type: 'quantitative' as const,
    scale: { type: 'log' as const, domain: [least / 1.15, most], nice: false, range: [0, roomFor(TEXT_WIDTH)] },
    axis: {
      title: 'milliseconds',
      grid: true,
      gridColor: LINE,
      domain: false,
      ticks: false,
      labelOverlap: 'greedy' as const,
      format: '~g',
      values: decimalTicks(least / 1.15, most),
    },
  };
  const color = colourScale(contenders);
  const marks = rows.flatMap((row, i) => PERCENTILES.map((which) => ({ ...row, which, at: timed[i]!.latency[which] * 1000 })));
  const only = (which: string) => ({ data: { values: marks.filter((mark) => mark.which === which) } });
  const encoding = { x: { ...x, field: 'at' }, y, color, tooltip: TOLD };
  return [
    {
      data: { values: timed.flatMap((lane, i) => ticksOf(lane, rows[i]!)) },
      mark: { type: 'tick', thickness: 1.5, bandSize: 9, opacity: 0.22, aria: false },
      encoding: { x: { ...x, field: 'at' }, y, color },
    },
    {
      data: { values: rows },
      mark: { type: 'rule' },
      encoding: { x: { ...x, field: 'from' }, x2: { field: 'to' }, y, color, strokeWidth: ours(2.5, 1.5), tooltip: TOLD },
    },
    { ...only('p50'), mark: { type: 'point', filled: true, opacity: 1, size: 62 }, encoding },
    { ...only('p95'), mark: { type: 'point', filled: false, fill: 'white', opacity: 1, size: 46, strokeWidth: 1.75 }, encoding },
    { ...only('p99'), mark: { type: 'tick', thickness: 3, bandSize: 14, opacity: 1 }, encoding },
    {
      ...only('p99'),
      mark: { type: 'text', align: 'left', dx: 8, fontSize: 11, color: SOFT },
      encoding: { x: { ...x, field: 'at' }, y, text: { field: 'behind' } },
    },
  ];
}

const TOLD = told({
  label: 'index',
  search: 'parameters',
  recall: 'recall@10',
  p50: 'p50, ms',
  p95: 'p95, ms',
  p99: 'p99, ms',
  asked: 'queries',
});

function rowOf(lane: Timed) {
  const { p50, p95, p99, seconds, point: number } = lane.latency;
  const point = lane.points[number]!;
  return {
    label: laneName(lane),
    search: searchText(point) || 'nothing to turn',
    contender: lane.contender,
    kind: lane.kind,
    ours: isOurs(lane.contender),
    recall: recallText(point.recall[10]),
    p50: milliseconds(p50),
    p95: milliseconds(p95),
    p99: milliseconds(p99),
    asked: seconds.length,
    behind: `${milliseconds(p99)}, recall ${three(point.recall[10] ?? Number.NaN)}`,
    from: p50 * 1000,
    to: p99 * 1000,
  };
}

/** Quantiles evenly spaced, in milliseconds: where they crowd, there most queries are. */
function ticksOf({ latency, contender, kind }: Timed, { label }: { readonly label: string }) {
  return Array.from({ length: TICKS }, (_, i) => {
    const at = Number((quantile(latency.seconds, (i + 0.5) / TICKS) * 1000).toPrecision(4));
    return { label, contender, kind, at };
  });
}

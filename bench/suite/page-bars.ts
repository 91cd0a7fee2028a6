/** Bars: what an index takes to build, and what it holds in memory. */
import { plural } from '../contenders.ts';
import { three } from '../table.ts';
import type { Layers } from './page-chart.ts';
import { bytesText, colourScale, isOurs, labelAxis, laneName, roomFor, SOFT } from './page-look.ts';
import type { LaneReport } from './report.ts';

/** Of what stands behind the longest bar. */
const TEXT_WIDTH = 160;

export interface Bar {
  readonly label: string;
  readonly contender: string;
  readonly kind: string;
  readonly ours: boolean;
  readonly value: number;
  /** A mark on the same scale. */
  readonly beside: number;
  /** Behind bar and mark. */
  readonly text: string;
}

type Measure = Pick<Bar, 'value' | 'beside' | 'text'>;

const bar = (lane: LaneReport, measure: Measure): Bar => ({
  label: laneName(lane),
  contender: lane.contender,
  kind: lane.kind,
  ours: isOurs(lane.contender),
  ...measure,
});

/** Of an index that several lanes search with other thread counts, the first lane with the fewest. */
function firstLanes(lanes: readonly LaneReport[]): LaneReport[] {
  const byName = new Map<string, LaneReport>();
  for (const lane of [...lanes].sort((a, b) => a.threads - b.threads)) if (!byName.has(laneName(lane))) byName.set(laneName(lane), lane);
  return [...byName.values()];
}

/** Shortest first. */
function barsOf(lanes: readonly LaneReport[], measure: (lane: LaneReport) => Measure): Bar[] {
  return firstLanes(lanes)
    .map((lane) => bar(lane, measure(lane)))
    .sort((a, b) => a.value - b.value);
}

/** Seconds; the mark tells what all threads took together. */
export function buildBars(lanes: readonly LaneReport[]): Bar[] {
  return barsOf(lanes, ({ build: { seconds, cpuSeconds, threads } }) => ({
    value: seconds,
    beside: cpuSeconds,
    text: `${three(seconds)} s, ${plural(threads)}`,
  }));
}

/** Bytes a vector; the mark tells what the process holds. */
export function memoryBars(lanes: readonly LaneReport[], rows: number): Bar[] {
  return barsOf(lanes, ({ memory: { bytesPerVector, residentBytes, parts } }) => ({
    value: bytesPerVector,
    beside: residentBytes / rows,
    text: `${bytesText(bytesPerVector)}${parts ? '' : '*'}, process ${bytesText(residentBytes)}`,
  }));
}

export function barLayers(bars: readonly Bar[], contenders: readonly string[]): Layers {
  const y = labelAxis(bars);
  const most = Math.max(...bars.flatMap(({ value, beside }) => [value, beside]));
  const ends = bars.map((one) => ({ ...one, end: Math.max(one.value, one.beside) }));
  const x = {
    type: 'quantitative' as const,
    scale: { domain: [0, most], nice: false, range: [0, roomFor(TEXT_WIDTH)] },
    axis: null, // bars tell their numbers
  };
  const color = colourScale(contenders);
  return [
    { data: { values: bars }, mark: { type: 'bar', height: 15, cornerRadiusEnd: 1 }, encoding: { x: { ...x, field: 'value' }, y, color } },
    { data: { values: bars }, mark: { type: 'tick', thickness: 2, bandSize: 15 }, encoding: { x: { ...x, field: 'beside' }, y, color } },
    {
      data: { values: ends },
      mark: { type: 'text', align: 'left', dx: 7, fontSize: 11, color: SOFT },
      encoding: { x: { ...x, field: 'end' }, y, text: { field: 'text' } },
    },
  ];
}

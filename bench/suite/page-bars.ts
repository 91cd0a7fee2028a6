/** Bars: what an index takes to build, and what it holds in memory. */
import { plural } from '../contenders.ts';
import { three } from '../table.ts';
import type { Layers } from './page-chart.ts';
import { bytesText, colourScale, isOurs, labelAxis, laneName, SOFT } from './page-look.ts';
import type { LaneReport } from './report.ts';

export interface Bar {
  readonly label: string;
  readonly contender: string;
  readonly kind: string;
  readonly ours: boolean;
  readonly value: number;
  /** Behind the bar. */
  readonly text: string;
}

const bar = (lane: LaneReport, value: number, text: string): Bar => ({
  label: laneName(lane),
  contender: lane.contender,
  kind: lane.kind,
  ours: isOurs(lane.contender),
  value,
  text,
});

/** Of an index that several lanes search with other thread counts, the first lane with the fewest. */
function firstLanes(lanes: readonly LaneReport[]): LaneReport[] {
  const byName = new Map<string, LaneReport>();
  for (const lane of [...lanes].sort((a, b) => a.threads - b.threads)) if (!byName.has(laneName(lane))) byName.set(laneName(lane), lane);
  return [...byName.values()];
}

export function buildBars(lanes: readonly LaneReport[]): Bar[] {
  return ordered(
    firstLanes(lanes).map((lane) => bar(lane, lane.build.seconds, `${three(lane.build.seconds)} s, ${plural(lane.build.threads)}`)),
  );
}

export function memoryBars(lanes: readonly LaneReport[]): Bar[] {
  const text = ({ bytesPerVector, residentBytes }: LaneReport['memory']) =>
    `${bytesText(bytesPerVector)}, in all ${bytesText(residentBytes)}`;
  return ordered(firstLanes(lanes).map((lane) => bar(lane, lane.memory.bytesPerVector, text(lane.memory))));
}

const ordered = (bars: readonly Bar[]) => [...bars].sort((a, b) => a.value - b.value);

export function barLayers(bars: readonly Bar[], contenders: readonly string[]): Layers {
  const y = labelAxis(bars);
  const most = Math.max(...bars.map(({ value }) => value));
  const x = {
    field: 'value',
    type: 'quantitative' as const,
    // room for the text behind the longest bar
    scale: { domain: [0, most * 1.65], nice: false },
    axis: null, // bars tell their numbers
  };
  const color = colourScale(contenders);
  return [
    { data: { values: bars }, mark: { type: 'bar', height: 15, cornerRadiusEnd: 1 }, encoding: { x, y, color } },
    {
      data: { values: bars },
      mark: { type: 'text', align: 'left', dx: 6, fontSize: 11, color: SOFT },
      encoding: { x, y, text: { field: 'text' } },
    },
  ];
}

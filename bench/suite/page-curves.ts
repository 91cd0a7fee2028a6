/** Recall against queries per second: a line for each lane through its best points, all points on it. */
import { plural } from '../contenders.ts';
import { envelope } from '../hnsw/curve.ts';
import type { Layers } from './page-chart.ts';
import {
  bytesText,
  colourScale,
  dashesOf,
  decimalTicks,
  grouped,
  isOurs,
  kindsOf,
  LINE,
  ours,
  recallText,
  searchText,
  shapesOf,
  told,
} from './page-look.ts';
import type { LaneReport, PointReport } from './report.ts';

/** Where 1 lies: towards it each tenth of what is missed is as wide as the one before, so it has no place of its own. */
const EXACT = 3.75;
const TICKS = [0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];

function position(recall: number): number {
  return recall >= 1 ? EXACT : Math.min(-Math.log10(1 - recall), EXACT - 0.2);
}

interface Mark {
  readonly contender: string;
  readonly kind: string;
  readonly lane: string;
  readonly ours: boolean;
  readonly at: number;
  readonly queriesPerSecond: number;
  readonly [told: string]: string | number | boolean;
}

/** Points with a recall, as marks; `best` are those that no other point of the lane beats in both. */
function marksOf(lane: LaneReport): (Mark & { readonly best: boolean })[] {
  const known = lane.points.flatMap((point) => {
    const recall = point.recall[10];
    return recall === null ? [] : [{ recall, queriesPerSecond: point.queriesPerSecond.median, point }];
  });
  const best = new Set(envelope(known));
  return known.map((one) => ({ ...markOf(lane, one.point, one.recall), best: best.has(one) }));
}

function markOf(lane: LaneReport, point: PointReport, recall: number): Mark {
  const { median, min, max } = point.queriesPerSecond;
  return {
    contender: lane.contender,
    kind: lane.kind,
    dashed: lane.kind, // by another name: legends of one name become one
    lane: lane.id,
    ours: isOurs(lane.contender),
    at: position(recall),
    queriesPerSecond: median,
    index: lane.index,
    search: searchText(point) || 'nothing to turn',
    recalls: ([1, 10, 100] as const).map((k) => recallText(point.recall[k])).join(' / '),
    speed: `${grouped(median)} (${grouped(min)}–${grouped(max)})`,
    memory: `${bytesText(lane.memory.bytesPerVector)} a vector`,
  };
}

const TOLD = told({
  contender: 'library',
  index: 'index',
  search: 'parameters',
  recalls: 'recall@1 / 10 / 100',
  speed: 'queries/s, median (least–most)',
  memory: 'memory',
});

/** What the panels of a set share, so that they can be compared by eye. */
interface CurveScales {
  readonly contenders: readonly string[];
  readonly lanes: readonly LaneReport[];
  readonly legend: boolean;
}

export const curveHeight = 400;

/** A panel for each number of threads. Pictures explain themselves with a `legend`; that of the page is HTML. */
export function curvePanels(lanes: readonly LaneReport[], contenders: readonly string[], legend: boolean) {
  const counts = [...new Set(lanes.map(({ threads }) => threads))].sort((a, b) => a - b);
  return counts.map((count) => ({
    title: plural(count),
    layers: curveLayers(
      lanes.filter(({ threads }) => threads === count),
      { contenders, lanes, legend },
    ),
  }));
}

/** Lanes of one panel on the scales of all. */
function curveLayers(lanes: readonly LaneReport[], scales: CurveScales): Layers {
  const shown = [...lanes].sort((a, b) => Number(isOurs(a.contender)) - Number(isOurs(b.contender))); // ours on top
  const marks = shown.flatMap(marksOf);
  const { color, shape, strokeDash } = legendsOf(scales);
  const [x, y] = axesOf(scales.lanes);
  return [
    {
      data: { values: marks.filter(({ best }) => best) },
      mark: { type: 'line' },
      encoding: { x, y, color, strokeDash, detail: { field: 'lane' }, order: { field: 'at' }, strokeWidth: ours(2.75, 1.25) },
    },
    {
      data: { values: marks },
      mark: { type: 'point', filled: true, stroke: 'white', strokeWidth: 0.75, cursor: 'default' },
      encoding: {
        x,
        y,
        color,
        shape,
        detail: { field: 'lane' },
        size: ours(72, 42),
        opacity: { condition: { test: 'datum.best', value: 1 }, value: 0.35 },
        tooltip: TOLD,
      },
    },
  ];
}

function legendsOf({ contenders, lanes, legend }: CurveScales) {
  const present = contenders.filter((name) => lanes.some(({ contender }) => contender === name));
  const kinds = kindsOf(lanes);
  const shown = legend ? { title: null, labelFontSize: 11, symbolSize: 60 } : null;
  return {
    color: { ...colourScale(contenders, present), legend: shown },
    shape: { field: 'kind', type: 'nominal' as const, scale: { domain: kinds, range: shapesOf(kinds) }, legend: shown },
    strokeDash: { field: 'dashed', type: 'nominal' as const, scale: { domain: kinds, range: dashesOf(kinds) }, legend: null },
  };
}

function axesOf(lanes: readonly LaneReport[]) {
  const marks = lanes.flatMap(marksOf);
  const [left, slowest, fastest] = [
    Math.min(position(0.8), ...marks.map(({ at }) => at)),
    Math.min(...marks.map(({ queriesPerSecond }) => queriesPerSecond)),
    Math.max(...marks.map(({ queriesPerSecond }) => queriesPerSecond)),
  ];
  const grid = { grid: true, gridColor: LINE, domain: false, ticks: false, labelPadding: 6, titlePadding: 8 };
  const x = {
    field: 'at',
    type: 'quantitative' as const,
    scale: { domain: [left - 0.06, EXACT + 0.08], nice: false },
    axis: {
      ...grid,
      title: 'recall@10',
      values: [...TICKS.map(position).filter((at) => at >= left - 0.06), EXACT],
      labelExpr: `datum.value > ${EXACT - 0.1} ? '1' : format(1 - pow(10, -datum.value), '.3~f')`,
      labelOverlap: 'greedy' as const,
    },
  };
  const y = {
    field: 'queriesPerSecond',
    type: 'quantitative' as const,
    scale: { type: 'log' as const, domain: [slowest / 1.3, fastest * 1.3], nice: false },
    axis: {
      ...grid,
      title: 'queries per second',
      format: '~s',
      values: decimalTicks(slowest / 1.3, fastest * 1.3),
      labelOverlap: 'greedy' as const,
    },
  };
  return [x, y] as const;
}

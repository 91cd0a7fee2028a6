/** What M, efConstruction and efSearch do to recall, latency and building, as the grid measured it; one picture a data set. */
import { drawn } from '../chart.ts';
import { describe } from '../machine.ts';
import { LEAST_RECALL, MOST_RECALL, position, recallAxis } from '../recall-axis.ts';
import { factsText } from '../report.ts';
import type { TuningReport, TuningSetReport } from './bench.ts';
import type { GridPoint } from './grid.ts';

/** The panels' fixed values. */
const SHOWN = { efConstruction: 200, M: 16 };

/** From light to dark: more. */
const SHADES = ['#93c5fd', '#60a5fa', '#2563eb', '#1e40af', '#0f172a'];

export function tuningCharts({ machine, date, settings, sets }: TuningReport): Promise<{ name: string; svg: string }[]> {
  const about = [
    `${describe(machine)}, ${date.slice(0, 10)}`,
    `k ${settings.k}; each point an efSearch: 16, 32, 64, 128, 256; p50 of single queries; built on ${settings.threads} threads`,
  ];
  return Promise.all(
    sets.map(async (set) => ({ name: `tuning-${set.name}`, svg: await drawn(factsText(set), about, { hconcat: panels(set) }) })),
  );
}

function panels({ gridPoints }: TuningSetReport) {
  const byM = gridPoints.filter(({ efConstruction }) => efConstruction === SHOWN.efConstruction);
  const byEf = gridPoints.filter(({ M }) => M === SHOWN.M);
  return [
    curves(`efConstruction ${SHOWN.efConstruction}, by M`, byM, 'M'),
    curves(`M ${SHOWN.M}, by efConstruction`, byEf, 'efConstruction'),
    builds(gridPoints),
  ];
}

const title = (text: string) => ({ text, anchor: 'start' as const, fontSize: 12, frame: 'group' as const, offset: 6 });

function shades(values: readonly number[], name: string) {
  const domain = [...new Set(values)].sort((a, b) => a - b);
  const range = domain.map((_, i) => SHADES[Math.round((i * (SHADES.length - 1)) / Math.max(1, domain.length - 1))]!);
  return { type: 'nominal' as const, scale: { domain, range }, legend: { title: name, orient: 'top-left' as const } };
}

function curves(text: string, points: readonly GridPoint[], name: 'M' | 'efConstruction') {
  const of = (point: GridPoint) => point[name];
  const values = points
    .filter((point) => point.recall >= LEAST_RECALL && !isBeyond(points, point, of))
    .map((point) => ({ at: position(point.recall), ms: point.p50, line: of(point), ef: point.efSearch }));
  const y = {
    field: 'ms',
    type: 'quantitative' as const,
    scale: { type: 'log' as const, nice: false, padding: 12 },
    axis: { title: 'ms of a query (p50)', grid: true, gridColor: '#e2e8f0', tickCount: 6 },
  };
  const encoding = { x: recallAxis, y, color: { field: 'line', ...shades(points.map(of), name) } };
  return {
    title: title(text),
    width: 360,
    height: 320,
    data: { values },
    resolve: { scale: { color: 'independent' as const } },
    layer: [
      { mark: { type: 'line' as const, strokeWidth: 2 }, encoding: { ...encoding, order: { field: 'ef' } } },
      {
        mark: { type: 'point' as const, filled: true, opacity: 1, size: 40 },
        encoding: { ...encoding, color: { ...encoding.color, legend: null } },
      },
    ],
  };
}

/** Whether a narrower beam has found all that the axis can show. */
function isBeyond(points: readonly GridPoint[], point: GridPoint, of: (point: GridPoint) => number): boolean {
  return points.some((other) => of(other) === of(point) && other.efSearch < point.efSearch && other.recall >= MOST_RECALL);
}

/** Seconds of each build, by M and efConstruction. */
function builds(points: readonly GridPoint[]) {
  const each = new Map(points.map((point) => [`${point.M} ${point.efConstruction}`, point]));
  const values = [...each.values()].map(({ M, efConstruction, buildSeconds }) => ({ M, efConstruction, seconds: buildSeconds }));
  return {
    title: title('building, by M; efConstruction 100, 200, 400'),
    width: 300,
    height: 320,
    data: { values },
    mark: { type: 'bar' as const },
    encoding: {
      x: { field: 'M', type: 'ordinal' as const, axis: { title: 'M', labelAngle: 0 } },
      xOffset: { field: 'efConstruction', type: 'ordinal' as const },
      y: { field: 'seconds', type: 'quantitative' as const, axis: { title: 'seconds', grid: true, gridColor: '#e2e8f0', tickCount: 6 } },
      color: {
        field: 'efConstruction',
        ...shades(
          points.map(({ efConstruction }) => efConstruction),
          'efConstruction',
        ),
        legend: null,
      },
    },
  };
}

/** Recall against bytes a vector, and against queries per second: one picture a data set. */
import { drawn } from '../chart.ts';
import { describe } from '../machine.ts';
import { factsText } from '../report.ts';
import { settingText } from './cases.ts';
import type { CompressedReport, LaneReport, SetReport } from './report.ts';
import { hnswBytes } from './text.ts';

/** One for each case, in their order. */
const COLOURS = ['#2563eb', '#0891b2', '#16a34a', '#78716c', '#ca8a04', '#ea580c', '#dc2626', '#c026d3', '#7c3aed', '#1e1b4b'];

/** Of HNSW32 over float vectors: what compressed indexes are to stay below. */
const SHARES = [0.1, 0.25, 1];

export function compressedCharts({ machine, date, settings, sets }: CompressedReport): Promise<{ name: string; svg: string }[]> {
  const about = [
    `${describe(machine)}, ${date.slice(0, 10)}`,
    `search on one thread, k ${settings.k}; medians of ${settings.repeats} rounds; with nprobe or efSearch to choose, each is a point`,
  ];
  return Promise.all(
    sets
      .filter(({ cases }) => cases.length > 0)
      .map(async (set) => {
        const panels = { hconcat: [bytesPanel(set), speedPanel(set)] };
        return { name: `compressed-${set.name}`, svg: await drawn(factsText(set), about, panels) };
      }),
  );
}

interface Dot {
  readonly name: string;
  readonly who: string;
  readonly at: string;
  readonly bytes: number;
  readonly recall: number;
  readonly queriesPerSecond: number;
}

function dotsOf({ cases }: SetReport): Dot[] {
  return cases.flatMap(({ description, lanes }) =>
    lanes.flatMap((lane) =>
      lane.points.map(({ setting, recall, queriesPerSecond }, order) => ({
        name: description,
        who: whoOf(lane),
        at: settingText(setting),
        order,
        bytes: lane.bytesPerRow,
        recall,
        queriesPerSecond,
      })),
    ),
  );
}

/** Who searches, told apart by shape. */
const WHOS = ['Isodex', 'Isodex, vectors on disk', 'FAISS', 'FAISS fast-scan'] as const;

function whoOf({ id, originals, description }: LaneReport): (typeof WHOS)[number] {
  if (id === 'isodex') return originals === 'disk' ? WHOS[1] : WHOS[0];
  return description.endsWith('fs') ? WHOS[3] : WHOS[2];
}

function bytesPanel(set: SetReport) {
  const best = new Map<string, Dot>();
  for (const dot of dotsOf(set)) {
    const key = `${dot.name} ${dot.who}`;
    if (dot.recall > (best.get(key)?.recall ?? -1)) best.set(key, dot);
  }
  const marks = SHARES.map((share) => ({ bytes: share * hnswBytes(set.dim), text: `${100 * share} % of HNSW32` }));
  const x = { ...BYTES, field: 'bytes' };
  return {
    ...panel('The most that each finds'),
    layer: [
      {
        data: { values: marks },
        mark: { type: 'rule' as const, strokeDash: [4, 3], color: '#94a3b8' },
        encoding: { x },
      },
      {
        data: { values: marks },
        mark: {
          type: 'text' as const,
          angle: 270,
          align: 'left' as const,
          baseline: 'bottom' as const,
          dx: 4,
          dy: -2,
          fontSize: 10,
          color: '#64748b',
        },
        encoding: { x, y: { value: 420 }, text: { field: 'text', type: 'nominal' as const } },
      },
      {
        data: { values: [...best.values()] },
        mark: { type: 'point' as const, size: 90, strokeWidth: 2 },
        encoding: { x, y: RECALL, color: colours(set), shape: SHAPE },
      },
    ],
  };
}

function speedPanel(set: SetReport) {
  const values = dotsOf(set);
  const y = { ...SPEED, field: 'queriesPerSecond' };
  const x = { ...RECALL, axis: { ...RECALL.axis, title: 'recall (labels of exact neighbours found)' } };
  return {
    ...panel('How fast each finds it'),
    layer: [
      {
        data: { values },
        mark: { type: 'line' as const, strokeWidth: 1.5 },
        encoding: { x, y, color: colours(set), strokeDash: DASH, order: { field: 'order' } },
      },
      {
        data: { values },
        mark: { type: 'point' as const, size: 45, strokeWidth: 1.5 },
        encoding: { x, y, color: colours(set), shape: SHAPE },
      },
    ],
  };
}

function panel(title: string) {
  return { title: { text: title, anchor: 'start' as const, fontSize: 12, frame: 'group' as const, offset: 6 }, width: 520, height: 420 };
}

const GRID = { grid: true, gridColor: '#e2e8f0' };
const LOG = { type: 'log' as const, nice: false, padding: 14 };

const RECALL = {
  field: 'recall',
  type: 'quantitative' as const,
  scale: { zero: false, domainMax: 1 },
  axis: { title: 'recall', format: '.2f', ...GRID },
};

const BYTES = {
  type: 'quantitative' as const,
  scale: LOG,
  axis: { title: 'bytes a vector in memory, what was learned included', format: '~s', tickCount: 6, ...GRID },
};

const SPEED = {
  type: 'quantitative' as const,
  scale: LOG,
  axis: { title: 'queries per second', format: '~s', tickCount: 6, ...GRID },
};

const LEGEND = { title: null, labelFontSize: 11, labelLimit: 400 };

const SHAPE = {
  field: 'who',
  type: 'nominal' as const,
  scale: { domain: WHOS, range: ['circle', 'diamond', 'cross', 'triangle-up'] },
  legend: LEGEND,
};

const DASH = {
  field: 'who',
  type: 'nominal' as const,
  scale: {
    domain: WHOS,
    range: [
      [1, 0],
      [8, 3],
      [3, 3],
      [1, 2],
    ],
  },
  legend: LEGEND,
};

function colours({ cases }: SetReport) {
  const names = cases.map(({ description }) => description);
  return {
    field: 'name',
    type: 'nominal' as const,
    scale: { domain: names, range: names.map((_, i) => COLOURS[i % COLOURS.length]!) },
    legend: { ...LEGEND, symbolType: 'stroke' as const, symbolStrokeWidth: 3 },
  };
}

/** Recall against queries per second, one picture a data set, a panel for each M. */
import { drawn } from '../chart.ts';
import { describe } from '../machine.ts';
import { LEAST_RECALL, position, recallAxis } from '../recall-axis.ts';
import { factsText } from '../report.ts';
import { ISODEX } from './candidates.ts';
import { envelope } from './curve.ts';
import { type HnswReport, type LaneReport, type SetReport, TARGETS } from './report.ts';

/** A hue for each library, kinds by lightness; Isodex alone is strong and wide. */
const COLOURS: Readonly<Record<string, string>> = {
  isodex: '#1d4ed8',
  'isodex-sq8': '#60a5fa',
  'hnswlib-node': '#ea580c',
  'hnswlib-node-native': '#fdba74',
  'usearch-f32': '#14532d',
  'usearch-f16': '#15803d',
  'usearch-bf16': '#4ade80',
  'usearch-i8': '#a3e635',
  'faiss-flat': '#be123c',
  'faiss-sq': '#f472b6',
  'zvec-f32': '#44403c',
  'zvec-f16': '#78716c',
  'zvec-i8': '#a8a29e',
};

export function hnswCharts({ machine, date, settings, sets }: HnswReport): Promise<{ name: string; svg: string }[]> {
  const { k, efConstruction, repeats } = settings;
  const about = [
    `${describe(machine)}, ${date.slice(0, 10)}`,
    `search on one thread, k ${k}, efConstruction ${efConstruction}; medians of ${repeats} rounds; each point an efSearch`,
  ];
  return Promise.all(
    sets.map(async (set) => {
      const panels = settings.m.map((m) => panel(set, m));
      return { name: `hnsw-${set.name}`, svg: await drawn(factsText(set), about, { hconcat: panels }) };
    }),
  );
}

function panel({ lanes }: SetReport, m: number) {
  const shown = lanes.filter((lane) => lane.m === m).sort((a, b) => Number(a.id === ISODEX) - Number(b.id === ISODEX)); // ours on top
  const values = shown.flatMap(pointsOf);
  const encoding = { x: recallAxis, y: Y, color: colours(lanes) };
  return {
    title: { text: `M ${m}`, anchor: 'start' as const, fontSize: 12, frame: 'group' as const, offset: 6 },
    width: 620,
    height: 420,
    layer: [
      TARGET_LINES,
      { data: { values }, mark: { type: 'line' as const }, encoding: { ...encoding, order: { field: 'ef' }, strokeWidth: WIDTH } },
      { data: { values }, mark: { type: 'point' as const, filled: true, opacity: 1 }, encoding: { ...encoding, size: SIZE } },
    ],
  };
}

/** Efs that another beats in both recall and speed are nobody's choice and are left out. */
function pointsOf({ id, label, points }: LaneReport) {
  return envelope(points)
    .filter(({ recall }) => recall >= LEAST_RECALL)
    .map(({ ef, recall, queriesPerSecond }) => ({ label, ef, recall, queriesPerSecond, at: position(recall), ours: id === ISODEX }));
}

const Y = {
  field: 'queriesPerSecond',
  type: 'quantitative' as const,
  scale: { type: 'log' as const, nice: false, padding: 12 },
  axis: { title: 'queries per second', format: '~s', grid: true, gridColor: '#e2e8f0', tickCount: 6 },
};

/** Recalls at which everyone is compared. */
const TARGET_LINES = {
  data: { values: TARGETS.map((recall) => ({ at: position(recall) })) },
  mark: { type: 'rule' as const, strokeDash: [4, 3], color: '#94a3b8' },
  encoding: { x: recallAxis },
};

const ours = <A, B>(yes: A, no: B) => ({ condition: { test: 'datum.ours', value: yes }, value: no });
const WIDTH = ours(3.5, 1.5);
const SIZE = ours(64, 24);

/** The same in every panel: of all lanes, so that the panels share one legend. */
function colours(lanes: readonly LaneReport[]) {
  const ids = new Map(lanes.map(({ id, label }) => [label, id]));
  return {
    field: 'label',
    type: 'nominal' as const,
    scale: { domain: [...ids.keys()], range: [...ids.values()].map((id) => COLOURS[id] ?? '#64748b') },
    legend: { title: null, symbolType: 'stroke' as const, symbolStrokeWidth: 3, labelFontSize: 11 },
  };
}

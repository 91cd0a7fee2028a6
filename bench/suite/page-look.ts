/** What page and pictures of the suite share: colours, shapes, names of lanes, numbers as text. */
import { three } from '../table.ts';
import { KINDS, type Kind, type LaneReport, type PointReport, type SuiteReport } from './report.ts';

const OURS = 'Isodex';
const ACCENT = '#1d4ed8';
/** Beside the one accent nothing shouts. */
const MUTED = ['#c08457', '#5f9479', '#9a7bb0', '#a8993f', '#b5707f', '#5e8ca6', '#8b8378', '#7f8794'];
const DASHES: Readonly<Record<Kind, readonly number[]>> = {
  Flat: [1, 0],
  IVF: [6, 5],
  HNSW: [1, 0],
  'OPQ+HNSW': [10, 4, 2, 4],
  codes: [1.5, 4],
};
const SHAPES: Readonly<Record<Kind, string>> = {
  Flat: 'square',
  IVF: 'triangle-up',
  HNSW: 'circle',
  'OPQ+HNSW': 'diamond',
  codes: 'cross',
};

export const FONT = 'system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif';
export const INK = '#1f2328';
export const SOFT = '#656d76';
export const LINE = '#e7e9ec';

/** What a mark tells: text, by title. */
export function told(titles: Readonly<Record<string, string>>) {
  return Object.entries(titles).map(([field, title]) => ({ field, title, type: 'nominal' as const }));
}

/** Where a scale ends that leaves room on its right, in pixels. */
export const roomFor = (pixels: number) => ({ expr: `max(width - ${pixels}, 40)` });

/** Height of a chart with a row for each index. */
export const rowsHeight = (rows: readonly unknown[]) => 24 * rows.length + 8;

/** 1, 2 and 5 of each power of ten between, for logarithmic axes. */
export function decimalTicks(least: number, most: number): number[] {
  const powers = Array.from({ length: 24 }, (_, i) => 10 ** (i - 9));
  return powers.flatMap((power) => [1, 2, 5].map((digit) => digit * power)).filter((tick) => tick >= least && tick <= most);
}

export const isOurs = (contender: string) => contender === OURS;

/** One mark for ours, another for the rest, as vega-lite writes it. */
export const ours = <A, B>(yes: A, no: B) => ({ condition: { test: 'datum.ours', value: yes }, value: no });

/** Who took part anywhere, Isodex first, in one order and one colour for all sets. */
export function contendersOf({ sets }: SuiteReport): string[] {
  const names = [...new Set(sets.flatMap(({ lanes }) => lanes.map(({ contender }) => contender)))];
  return names.sort((a, b) => Number(isOurs(b)) - Number(isOurs(a)));
}

export function colourOf(name: string, contenders: readonly string[]): string {
  const others = contenders.filter((one) => !isOurs(one));
  return isOurs(name) ? ACCENT : MUTED[others.indexOf(name) % MUTED.length]!;
}

/** Colours are dealt out over all contenders; `present` are those that a picture tells of. */
export function colourScale(contenders: readonly string[], present = contenders) {
  const scale = { domain: [...present], range: present.map((name) => colourOf(name, contenders)) };
  return { field: 'contender', type: 'nominal' as const, scale, legend: null };
}

/** The names of rows, in their order, ours in bold. */
export function labelAxis(rows: readonly { readonly label: string; readonly ours: boolean }[]) {
  const strong = JSON.stringify(rows.filter((row) => row.ours).map(({ label }) => label));
  const labelFontWeight = { condition: { test: `indexof(${strong}, datum.value) >= 0`, value: 600 as const }, value: 400 as const };
  const axis = { title: null, ticks: false, domain: false, labelLimit: 420, labelPadding: 8, labelFontWeight };
  return { field: 'label', type: 'nominal' as const, sort: rows.map(({ label }) => label), axis };
}

export function kindsOf(lanes: readonly LaneReport[]): Kind[] {
  return KINDS.filter((kind) => lanes.some((lane) => lane.kind === kind));
}

export const shapesOf = (kinds: readonly Kind[]) => kinds.map((kind) => SHAPES[kind]);
export const dashesOf = (kinds: readonly Kind[]) => kinds.map((kind) => [...DASHES[kind]]);

export const laneName = ({ contender, index }: LaneReport) => `${contender} ${index}`;

/** 'efSearch 64' */
export function searchText({ search }: PointReport): string {
  return Object.entries(search)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

export const recallText = (recall: number | null) => (recall === null ? '–' : recall.toFixed(4));
export const milliseconds = (seconds: number) => three(seconds * 1000);
/** Whole numbers with commas, small ones with three digits. */
export const grouped = (x: number) => (x >= 100 ? Math.round(x).toLocaleString('en') : three(x));
export const percent = (share: number) => `${three(share * 100)} %`;

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units, as disks and most people count. */
export function bytesText(bytes: number): string {
  const unit = Math.min(Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)), UNITS.length - 1);
  return `${three(bytes / 1000 ** unit)} ${UNITS[unit]}`;
}

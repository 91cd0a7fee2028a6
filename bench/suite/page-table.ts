/** Every point of a data set as a row; page-script.js sorts it by what `data-value` holds. */

import { three } from '../table.ts';
import { type Html, html } from './html.ts';
import { bytesText, grouped, isOurs, milliseconds, recallText, searchText } from './page-look.ts';
import { type LaneReport, type PointReport, RECALLS, type SetReport } from './report.ts';

interface Cell {
  readonly text: string;
  /** What it is sorted by; empty: not measured, always last. */
  readonly value: string | number;
  /** Beside it, in small. */
  readonly more?: string;
}

interface Column {
  readonly title: string;
  readonly unit?: string;
  readonly number: boolean;
  readonly cell: (lane: LaneReport, point: PointReport) => Cell;
}

const NONE: Cell = { text: '–', value: '' };
const text = (value: string): Cell => ({ text: value, value });
const isTimed = ({ latency, points }: LaneReport, point: PointReport) => latency !== null && points[latency.point] === point;

const COLUMNS: readonly Column[] = [
  { title: 'library', number: false, cell: ({ contender }) => text(contender) },
  { title: 'index', number: false, cell: ({ index }) => text(index) },
  { title: 'parameters', number: false, cell: (_, point) => text(searchText(point)) },
  { title: 'threads', number: true, cell: ({ threads }) => ({ text: String(threads), value: threads }) },
  ...RECALLS.map((k): Column => ({ title: `recall@${k}`, number: true, cell: (_, { recall }) => recallCell(recall[k]) })),
  { title: 'queries/s', number: true, cell: (_, { queriesPerSecond }) => speedCell(queriesPerSecond) },
  ...(['p50', 'p95', 'p99'] as const).map(
    (which): Column => ({
      title: which,
      unit: 'ms',
      number: true,
      cell: (lane, point) => (isTimed(lane, point) ? { text: milliseconds(lane.latency![which]), value: lane.latency![which] } : NONE),
    }),
  ),
  {
    title: 'build',
    unit: 's',
    number: true,
    cell: ({ build }) => ({ text: three(build.seconds), value: build.seconds, more: `× ${build.threads}` }),
  },
  {
    title: 'process',
    number: true,
    cell: ({ memory }) => ({ text: bytesText(memory.residentBytes), value: memory.residentBytes }),
  },
  {
    title: 'a vector',
    unit: 'B',
    number: true,
    cell: ({ memory }) => ({ text: grouped(memory.bytesPerVector) + (memory.parts ? '' : '*'), value: memory.bytesPerVector }),
  },
];

const recallCell = (recall: number | null): Cell => (recall === null ? NONE : { text: recallText(recall), value: recall });

function speedCell({ median, min, max }: PointReport['queriesPerSecond']): Cell {
  return { text: grouped(median), value: median, more: `${grouped(min)}–${grouped(max)}` };
}

export function pointTable({ name, lanes }: SetReport): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="All points of ${name}"><table>
<thead><tr>${COLUMNS.map(heading)}</tr></thead>
<tbody>
${lanes.flatMap((lane) => lane.points.map((point) => row(lane, point)))}</tbody></table></div>`;
}

function heading({ title, unit, number }: Column): Html {
  const told = unit ? html`${title} <small>${unit}</small>` : html`${title}`;
  return html`<th scope="col"${number ? html` class="number"` : ''}><button type="button">${told}</button></th>`;
}

function row(lane: LaneReport, point: PointReport): Html {
  const cells = COLUMNS.map((column) => cellOf(column, column.cell(lane, point)));
  const ours = isOurs(lane.contender) ? html` class="ours"` : '';
  return html`<tr${ours} data-contender="${lane.contender}" data-kind="${lane.kind}">${cells}</tr>
`;
}

function cellOf({ number }: Column, { text: told, value, more }: Cell): Html {
  return html`<td${number ? html` class="number"` : ''} data-value="${value}">${told}${more ? html` <small>${more}</small>` : ''}</td>`;
}

/** What was measured of Isodex alone, as text for a terminal. */
import { spread, table, three } from '../table.ts';
import type { FilterReport, GpuReport, IsodexReport, ThreadsReport } from './isodex-parts.ts';

export function partsText({ m, ef, memory, effort, filters, threads, gpu }: IsodexReport, rows: number): string {
  const parts = Object.entries(memory).map(([part, bytes]) => `${part} ${three(bytes / rows)}`);
  const total = Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);
  return [
    `Isodex, M ${m}: ${three(total / rows)} bytes a row in memory (${parts.join(', ')})`,
    ...['', effortTable(effort), '', filterTable(filters), '', threadTable(threads, ef)],
    ...['', 'skipped' in gpu ? `no GPU: ${gpu.skipped}` : gpuTable(gpu)],
  ].join('\n');
}

function effortTable(effort: IsodexReport['effort']): string {
  return table(
    ['work of a query', ...effort.map(({ ef }) => `ef ${ef}`)],
    [
      ['recall', ...effort.map(({ recall }) => recall.toFixed(4))],
      ['hops', ...effort.map(({ hops }) => three(hops))],
      ['distances', ...effort.map(({ distances }) => three(distances))],
    ],
  );
}

/** Each cell: recall, then queries a second. */
function filterTable(filters: readonly FilterReport[]): string {
  const efs = [...new Set(filters.flatMap(({ points }) => points.map(({ ef }) => ef)))].sort((a, b) => a - b);
  return table(
    ['filter admits', 'rows', ...efs.map((ef) => `ef ${ef}`)],
    filters.map(({ share, rows, points }) => [
      `${100 * share} %`,
      String(rows),
      ...efs.map((ef) => {
        const point = points.find((one) => one.ef === ef);
        return point ? `${point.recall.toFixed(3)} ${Math.round(point.queriesPerSecond).toLocaleString('en')}/s` : '';
      }),
    ]),
  );
}

function threadTable(threads: readonly ThreadsReport[], ef: number): string {
  const same = new Set(threads.map(({ sha256 }) => sha256)).size === 1;
  return table(
    ['threads', `batch at ef ${ef}, ×`, 'build ×', 'build s', 'CPU s', 'index file'],
    threads.map((one) => [
      String(one.threads),
      spread(one.search),
      three(one.build),
      three(one.buildSeconds),
      three(one.buildCpuSeconds),
      same ? 'the same bytes' : one.sha256.slice(0, 12),
    ]),
  );
}

function gpuTable({ ef, batches }: GpuReport): string {
  return table(
    [`GPU, ef ${ef}: queries`, 'answered by', 'times as fast as the CPU on all threads'],
    batches.map(({ queries, engine, ratio }) => [queries.toLocaleString('en'), engine, spread(ratio)]),
  );
}

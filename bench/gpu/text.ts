import { describe } from '../machine.ts';
import { table, three } from '../table.ts';
import type { GpuReport, SearchReport } from './report.ts';

export function gpuText(report: GpuReport): string {
  const { machine, date, engine, settings, identity, rates, builds, searches, subgroupMatrices, cpuThreads } = report;
  const wrong = identity.filter(({ sameFile, differing }) => !sameFile || differing > 0);
  return [
    `${describe(machine)}, ${date}`,
    `GPU: ${engine.description}; features ${engine.features.join(', ') || 'none'}; ${subgroupMatrices.length} shapes of subgroup matrices`,
    ...engine.notes.map((note) => `  ${note}`),
    identity.length > 0 ? `identity: ${identity.length} indexes compared, ${wrong.length} differ` : 'identity: not asked for',
    ...wrong.map(
      (one) => `  ${one.index}, ${one.metric}: ${one.differing} of ${one.queries} answers differ${one.sameFile ? '' : ', and the file'}`,
    ),
    ...(rates
      ? [`dot4I8Packed: ${three(rates.dot4PerSecond / 1e12)} T multiply-adds a second; a read of 4 bytes: ${three(rates.readMs)} ms`]
      : []),
    '',
    `${settings.rows.toLocaleString('en')} × ${settings.dim}, k ${settings.k}; CPU: ${cpuThreads} threads`,
    ...builds.map(
      (one) =>
        `${one.index} built: GPU ${three(one.gpuSeconds)} s, CPU ${three(one.cpuSeconds)} s; files ${one.sameFile ? 'are the same' : 'DIFFER'}`,
    ),
    ...(searches.length > 0 ? [searchTable(searches)] : []),
  ].join('\n');
}

function searchTable(searches: readonly SearchReport[]): string {
  const batches = Object.keys(searches[0]!.gpu);
  const rows = searches.map(({ index, search, recall, gpu, cpu }) => {
    const way = Object.entries(search).map(([name, value]) => ` ${name} ${value}`);
    const each = batches.map((batch) => `${rate(gpu[batch])} / ${rate(cpu[batch])}`);
    return [`${index}${way.join('')}`, recall.toFixed(4), ...each];
  });
  return table(['queries/s, GPU / CPU, by batch', 'recall@10', ...batches], rows);
}

function rate(queriesPerSecond: number | undefined): string {
  return queriesPerSecond === undefined ? '–' : Math.round(queriesPerSecond).toLocaleString('en');
}

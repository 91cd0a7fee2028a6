import { describe } from '../machine.ts';
import { table, three } from '../table.ts';
import { type Floor, floorOfSearch } from './floors.ts';
import type { BuildReport, DeviceRates, GpuReport, IdentityReport, RateName, SearchReport } from './report.ts';

/** Limits that decide what fits where. */
const LIMITS = [
  ...['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize'],
  ...['maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupsPerDimension'],
];

/** Kernels that are named, by their time. */
const TOLD_KERNELS = 5;

/** Rates by name, and their unit: T multiply-adds, or GB. */
const RATES: Readonly<Record<RateName, readonly [what: string, unit: number, name: string]>> = {
  dot4Registers: ['dot4I8Packed out of registers', 1e12, 'T multiply-adds/s'],
  dot4Product: ['dot4I8Packed, plain tiled product', 1e12, 'T multiply-adds/s'],
  f32Product: ['float32, plain tiled product', 1e12, 'T multiply-adds/s'],
  heldMatrices: ['8-bit matrices that a subgroup holds', 1e12, 'T multiply-adds/s'],
  readMatrices: ['8-bit matrices, product of such in memory', 1e12, 'T multiply-adds/s'],
  inOrder: ['memory in order', 1e9, 'GB/s'],
  rows192: ['rows of 192 bytes at random places', 1e9, 'GB/s'],
  rows256: ['rows of 256 bytes at random places', 1e9, 'GB/s'],
};

export function gpuText(report: GpuReport): string {
  const { machine, date, engine, settings, identity, rates, builds, searches, subgroupMatrices, cpuThreads, skipped, failed } = report;
  const { limits = {} } = engine;
  const shapes = subgroupMatrices.map((one) => `${one.M}×${one.N}×${one.K} ${one.componentType}→${one.resultComponentType}`);
  const dimension = settings.intrinsicDimension ? `, intrinsic dimension ${three(settings.intrinsicDimension)}` : '';
  return [
    `${describe(machine)}, ${date}`,
    `GPU: ${engine.description}; features ${engine.features.join(', ') || 'none'}; device times: ${report.deviceTimes}`,
    `limits: ${LIMITS.map((name) => `${name} ${limits[name]?.toLocaleString('en') ?? '–'}`).join(', ')}`,
    `subgroups of ${report.subgroupSizes?.join(' to ') ?? 'unknown size'}; subgroup matrices: ${shapes.join(', ') || 'none'}`,
    ...engine.notes.map((note) => `  ${note}`),
    ...identityLines(identity),
    ...(rates ? ['', rateTable(rates)] : []),
    '',
    `${settings.rows.toLocaleString('en')} × ${settings.dim}, ${settings.data}${dimension}, k ${settings.k}; CPU: ${cpuThreads} threads`,
    ...(builds.length > 0 ? ['', buildTable(builds)] : []),
    ...(searches.length > 0 ? ['', searchTable(report)] : []),
    ...kernelLines(report),
    '',
    ...report.findings.map(({ what, value, goal, reached }) => {
      const hoped = goal && `; goal ${goal}${reached === undefined ? '' : reached ? ', reached' : ', NOT reached'}`;
      return `${what}: ${value}${hoped ?? ''}`;
    }),
    ...skipped.map(({ what, reason }) => `not measured: ${what}: ${reason}`),
    ...failed.map(({ what, reason }) => `FAILED: ${what}: ${reason}`),
  ].join('\n');
}

function identityLines(identity: readonly IdentityReport[]): string[] {
  if (identity.length === 0) return ['identity: not asked for'];
  const wrong = identity.filter(({ sameFile, differing }) => !sameFile || differing > 0);
  return [
    `identity: ${identity.length} indexes compared, ${wrong.length} differ`,
    ...wrong.map(
      (one) => `  ${one.index}, ${one.metric}: ${one.differing} of ${one.queries} answers differ${one.sameFile ? '' : ', and the file'}`,
    ),
  ];
}

function rateTable({ readMs, timedBy, measured }: DeviceRates): string {
  const rows = Object.entries(RATES).map(([name, [what, unit, unitName]]) => {
    const rate = measured[name as RateName];
    return [what, 'missing' in rate ? `not available: ${rate.missing}` : `${three(rate.perSecond / unit)} ${unitName}`];
  });
  return table([`the device alone, by ${timedBy}`, 'rate'], [...rows, ['a read of 4 bytes (map latency)', `${three(readMs)} ms`]]);
}

function buildTable(builds: readonly BuildReport[]): string {
  const rows = builds.map(({ index, label, rows: count, seconds, device, sha256 }) => {
    const each = [count.toLocaleString('en'), three(seconds), device ? three(device.seconds) : '–'];
    return [`${index} by ${label}`, ...each, three(count / seconds), sha256?.slice(0, 12) ?? '–'];
  });
  return table(['build', 'rows', 's', 'device s', 'rows/s', 'SHA-256'], rows);
}

function searchTable({ searches, settings, rates }: GpuReport): string {
  const rows = searches.flatMap((search) =>
    search.batches.map((batch) => {
      const { gpu, cpu, device } = batch;
      const isOwn = batch.answeredBy === 'gpu'; // else its times are the CPU's
      const queries = [gpu, cpu].map(({ queriesPerSecond }) => Math.round(queriesPerSecond).toLocaleString('en'));
      const times = [gpu.p50Ms, cpu.p50Ms].map(three);
      if (!isOwn) queries[0] = times[0] = '–';
      const floor = isOwn ? floorOfSearch(search, batch, settings, rates) : null;
      const each = [search.recall.toFixed(4), batch.batch.toLocaleString('en'), ...queries, ...times];
      const name = batch.answeredBy === 'gpu' ? wayOf(search) : `${wayOf(search)} (answered by ${batch.answeredBy})`;
      return [name, ...each, device ? three(1000 * device.seconds) : '–', shareText(floor)];
    }),
  );
  const header = [
    'search',
    'recall@10',
    'batch',
    'GPU q/s',
    'CPU q/s',
    'GPU p50 ms',
    'CPU p50 ms',
    'device ms',
    'floor, % of wall / device',
  ];
  return table(header, rows);
}

/** What the device spends its time on: in the largest batch of each way, and in builds. */
function kernelLines({ searches, builds }: GpuReport): string[] {
  const largest = searches.flatMap((search) => {
    const batch = search.batches.at(-1);
    return batch?.device ? [{ what: `${wayOf(search)}, batch ${batch.batch.toLocaleString('en')}`, device: batch.device }] : [];
  });
  const built = builds.flatMap(({ index, label, rows, device }) =>
    device ? [{ what: `${index} by ${label}, ${rows} rows`, device }] : [],
  );
  const timed = [...largest, ...built].filter(({ device }) => device.seconds > 0);
  if (timed.length === 0) return [];
  const lines = timed.map(({ what, device: { seconds, kernels } }) => {
    const shares = kernels.slice(0, TOLD_KERNELS).map(({ kernel, dispatches, nanoseconds }) => {
      return `${kernel} ${three(nanoseconds / 1e7 / seconds)} % in ${dispatches}`;
    });
    return `  ${what}: ${three(1000 * seconds)} ms; ${shares.join(', ')}`;
  });
  return ['', 'device time by kernel, with the number of dispatches:', ...lines];
}

function wayOf({ index, search }: SearchReport): string {
  return [index, ...Object.entries(search).map(([name, value]) => `${name} ${value}`)].join(' ');
}

function shareText(floor: Floor | null): string {
  if (!floor) return '–';
  return [floor.ofWall, floor.ofDevice].map((share) => (share === null ? '–' : three(100 * share))).join(' / ');
}

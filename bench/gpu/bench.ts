/** A GPU beside the CPU of the same machine: the same bits first, then what the device can do, and what searches and builds make of it. */
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { sq8Stride } from '../../src/kernels/graph.ts';
import type * as Isodex from '../../src/node.ts';
import { thisMachine } from '../machine.ts';
import { Agenda } from './agenda.ts';
import { type BuildOptions, compareBuilds } from './builds.ts';
import { type Data, type DataOptions, dataOf, recallOf, type Truth, truthOf } from './data.ts';
import { bareAdapter, matrixShapes, subgroupSizes } from './device.ts';
import { findings } from './findings.ts';
import { type Engines, graphOn } from './graph.ts';
import { identitySuite, SMALL, WHOLE } from './identity.ts';
import { deviceRates } from './rates.ts';
import type { BatchReport, Effort, GpuReport, SearchReport } from './report.ts';
import { batchReport, type Lanes } from './search.ts';
import { torchReport } from './torch.ts';

/** In the order in which they are measured: what matters most comes first, for time may run out. */
export const PARTS = ['identity', 'rates', 'hnsw', 'flat', 'torch', 'build'] as const;
type Part = (typeof PARTS)[number];

export interface GpuOptions extends DataOptions, BuildOptions {
  readonly library: string;
  readonly parts: readonly Part[];
  readonly efs: readonly number[];
  readonly software: boolean;
  /** A Python that may have PyTorch. */
  readonly python: string;
  /** Seconds for everything. */
  readonly budget: number | undefined;
  readonly keep: (report: GpuReport) => void;
}

const K = 10;
/** Of PyTorch, which is asked for one batch. */
const TORCH_BATCH = 10_000;

export async function benchGpu(options: GpuOptions): Promise<GpuReport> {
  const library: typeof Isodex = await import(pathToFileURL(options.library).href);
  using gpu = await library.openEngine({ prefer: 'gpu' });
  using cpu = await library.openEngine({ prefer: 'cpu' });
  if (gpu.info.adapter?.software && !options.software)
    throw new Error('this GPU is a software driver; give --software to run it all the same');
  return await new GpuRun(library, { gpu, cpu }, options, await bareAdapter()).all(); // engines stay open until it has ended
}

/** One run, and what it has reported so far. */
class GpuRun {
  private readonly library: typeof Isodex;
  private readonly engines: Engines;
  private readonly options: GpuOptions;
  private readonly agenda: Agenda;
  private report: GpuReport;

  constructor(library: typeof Isodex, engines: Engines, options: GpuOptions, adapter: GPUAdapter | undefined) {
    this.library = library;
    this.engines = engines;
    this.options = options;
    this.agenda = new Agenda(options.budget, options.say);
    const { info, profile } = engines.gpu;
    const { description, features, limits, notes } = info;
    const { rows, dim, data } = options;
    this.report = {
      ...{ bench: 'gpu', date: new Date().toISOString(), version: library.version, machine: thisMachine() },
      engine: { description, features, notes, ...(info.adapter && { adapter: info.adapter }), ...(limits && { limits }) },
      deviceTimes: profile ? 'timestamps, not rounded' : 'the adapter has no timestamp-query',
      ...{ subgroupMatrices: adapter ? matrixShapes(adapter) : [], subgroupSizes: adapter ? subgroupSizes(adapter) : null },
      cpuThreads: availableParallelism(),
      settings: { rows, dim, k: K, data: data === undefined ? 'clustered' : 'from a file' },
      ...{ identity: [], rates: null, builds: [], searches: [], torch: null, findings: [], skipped: [], failed: [] },
    };
  }

  async all(): Promise<GpuReport> {
    const { library, options, engines } = this;
    const software = engines.gpu.info.adapter?.software === true;
    await this.part('identity', async () => {
      const pair = [engines.gpu, engines.cpu] as const;
      this.add({ identity: await identitySuite(library, pair, software ? SMALL : WHOLE, options.say) });
    });
    await this.part('rates', async () => this.add({ rates: await deviceRates(options.dim, software, options.say) }));
    if (this.wants('hnsw', 'flat', 'build')) await this.agenda.attempt('searches and builds', () => this.withData());
    else await this.part('torch', () => this.torch());
    this.add({});
    return this.report;
  }

  private async withData(): Promise<void> {
    const { library, engines, options } = this;
    options.say('making or reading data');
    const data = await dataOf(library, options);
    this.add({ settings: { ...this.report.settings, rows: data.rows, dim: data.dim } });
    if (this.wants('hnsw', 'flat')) await this.searches(data);
    await this.part('torch', () => this.torch());
    await this.part('build', () =>
      compareBuilds(library, engines, data, options, this.agenda, (one) => this.add({ builds: [...this.report.builds, one] })),
    );
  }

  private async searches(data: Data): Promise<void> {
    const { library, engines, options } = this;
    options.say('Flat: adding rows');
    using onCpu = await library.createIndex('Flat', { dim: data.dim, engine: engines.cpu });
    await onCpu.add(data.base);
    const truth = await truthOf(onCpu, data, K);
    this.add({ settings: { ...this.report.settings, intrinsicDimension: truth.intrinsicDimension } });
    await this.part('hnsw', () => this.walks(data, truth));
    await this.part('flat', () => this.scans(onCpu, data, truth));
  }

  /** Flat as it is, and by 8-bit matrices where the device has them: the same answers first. */
  private async scans(onCpu: Isodex.VectorIndex, data: Data, truth: Truth): Promise<void> {
    const { library, engines, options } = this;
    await this.scan(engines.gpu, onCpu, data, truth, { index: 'Flat', unit: 'dot4Product' });
    using matrices = await library.openEngine({ prefer: 'gpu', subgroupMatrices: true });
    const index = 'Flat by 8-bit matrices';
    if (matrices.info.notes.length > 0) return this.agenda.skip(index, matrices.info.notes.join('; '));
    const sizes = { ...WHOLE, indexes: ['Flat'] };
    const identity = await identitySuite(library, [matrices, engines.cpu], sizes, options.say);
    if (matrices.info.notes.length > 0) return this.agenda.skip(index, matrices.info.notes.join('; ')); // they did not pass their trial
    this.add({ identity: [...this.report.identity, ...identity.map((one) => ({ ...one, index }))] });
    await this.scan(matrices, onCpu, data, truth, { index, unit: 'readMatrices' });
  }

  private async scan(
    engine: Isodex.Engine,
    onCpu: Isodex.VectorIndex,
    data: Data,
    truth: Truth,
    named: Pick<SearchReport, 'index' | 'unit'>,
  ): Promise<void> {
    using onGpu = await this.library.createIndex('Flat', { dim: data.dim, engine });
    await onGpu.add(data.base);
    await onGpu.prepare();
    await this.search({ gpu: onGpu, cpu: onCpu }, data, {}, truth, named);
  }

  private async walks(data: Data, truth: Truth): Promise<void> {
    const { library, engines, options } = this;
    const { index, built } = await graphOn(library, engines, data, options, this.agenda);
    using onGpu = index;
    if (built) this.add({ builds: [...this.report.builds, built] });
    using onCpu = await library.fromBytes(await onGpu.toBytes(), { engine: engines.cpu });
    await onGpu.prepare();
    await onCpu.prepare();
    for (const efSearch of options.efs) {
      await this.agenda.attempt(`${index.description} ${efSearch}`, () =>
        this.search({ gpu: onGpu, cpu: onCpu }, data, { efSearch }, truth),
      );
    }
  }

  /** One way of searching, batch by batch; each is kept as soon as it is there. */
  private async search(
    lanes: Lanes,
    data: Data,
    way: Readonly<Record<string, number>>,
    truth: Truth,
    named: Pick<SearchReport, 'index' | 'unit'> = { index: lanes.gpu.description },
  ): Promise<void> {
    const options = { k: K, ...way, stats: true };
    const found = await lanes.gpu.search(truth.queries, options);
    const { stats } = await lanes.cpu.search(truth.queries, options);
    const effort = found.stats && stats && effortOf(found.stats, stats, data.dim, this.options.m);
    const before = this.report.searches;
    const report = { ...named, search: way, recall: recallOf(found, truth), ...(effort && { effort }) };
    const batches: BatchReport[] = [];
    for (const batch of this.options.batches) {
      const name = `${[named.index, ...Object.values(way)].join(' ')}, batches of ${batch}`;
      await this.agenda.attempt(name, async () => {
        this.options.say(name);
        batches.push(await batchReport(lanes, data, batch, { k: K, ...way }));
        this.add({ searches: [...before, { ...report, batches: [...batches] }] });
      });
    }
  }

  private async torch(): Promise<void> {
    this.options.say('PyTorch');
    this.add({ torch: await torchReport(this.options.python, TORCH_BATCH, this.report.settings, this.agenda.secondsLeft) });
  }

  private wants(...parts: Part[]): boolean {
    return parts.some((part) => this.options.parts.includes(part));
  }

  /** A part, if it is asked for. */
  private async part(part: Part, work: () => Promise<void>): Promise<void> {
    if (this.wants(part)) await this.agenda.attempt(part, work);
  }

  private add(more: Partial<GpuReport>): void {
    const engine = { ...this.report.engine, notes: this.engines.gpu.info.notes }; // a device may be lost meanwhile
    const report = { ...this.report, ...more, engine, skipped: [...this.agenda.skipped], failed: [...this.agenda.failed] };
    this.report = { ...report, findings: findings(report) };
    this.options.keep(this.report);
  }
}

/** What a walk reads: the row of each node that is compared, and the links of each that is expanded (2 M words on the lowest level). */
function effortOf({ hops, distances }: Isodex.SearchStats, byCpu: Isodex.SearchStats, dim: number, m: number): Effort {
  const mean = (counts: Uint32Array) => counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const each = { hops: mean(hops), distances: mean(distances) };
  const bytes = each.distances * sq8Stride(dim) + each.hops * 2 * m * Uint32Array.BYTES_PER_ELEMENT;
  return { ...each, bytes, rescored: each.distances / mean(byCpu.distances) - 1 };
}

/** Scanning lists of codes on a device: keys of all rows that queries meet, and the nearest of them, in one submit. */
import { allocAll } from '../host/alloc-all.ts';
import { type Block, rangeOf } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { NONE, queryStride } from '../kernels/graph.ts';
import { BYTES } from '../kernels/kernel.ts';
import { isProbeScanned, probeScan } from '../kernels/probe-scan.ts';
import { TOP_K_MOST } from '../kernels/top-k.ts';
import type { DeviceQueries, DeviceScoring, ListCodec, Probes } from './coding/list-codec.ts';
import type { Lists } from './coding/lists.ts';
import type { Admission } from './filter.ts';
import { Held, largestChunk, PerEngine } from './per-engine.ts';
import { TopLists } from './top-lists.ts';

/** Keys of one dispatch: queries times the most rows that one of them meets. */
const MOST_KEYS = 2 ** 25;
/** Chunks are not halved below so many positions when memory is short. */
const LEAST_CHUNK = 2 ** 14;
/** Words of a job (shaders/probe-scan.wgsl). */
const JOB = 4;

/** A run of positions on a device. A list may begin in one and end in the next. */
interface Chunk {
  readonly begin: number;
  readonly count: number;
  /** i8 [count, stride] */
  readonly codes: Block<'i8'>;
  /** u32 [count] */
  readonly rows: Block<'u32'>;
  /** i32 [count], or one value where there are no terms. */
  readonly terms: Block<'i32'>;
}

/** The nearest rows of each query in a chunk: [nq, keep]. */
interface Found {
  readonly keys: Int32Array;
  readonly ids: Uint32Array;
}

/** One index's codes on every device that scans them. */
export class DeviceLists {
  private readonly sets = new PerEngine<DeviceList>();

  /** The codes of lists on an engine, held for the caller until it calls `release`. */
  acquire(engine: Engine, lists: Lists, codec: ListCodec): Promise<DeviceList> {
    return this.sets.acquire(engine, {
      fits: (held) => held.lists === lists,
      make: async () => new DeviceList(engine, lists, codec, await codec.openScoring(engine)),
      extend: (held) => held.fill(),
    });
  }

  missing(engine: Engine, lists: Lists): number {
    return this.sets.missing(engine, lists.codes.length + BYTES.u32 * lists.rows.length + BYTES.i32 * lists.terms.length);
  }

  get bytes(): number {
    return this.sets.bytes;
  }

  drop(engine?: Engine): void {
    this.sets.drop(engine);
  }

  close(): void {
    this.sets.close();
  }
}

/** Whether a device can do what a scan wants. */
export function isDeviceScannable(lists: Lists, form: number, keep: number): boolean {
  return isProbeScanned(form) && lists.count > 0 && keep <= TOP_K_MOST;
}

export class DeviceList extends Held {
  readonly lists: Lists;
  private readonly engine: Engine;
  private readonly form: number;
  private readonly scoring: DeviceScoring;
  private readonly chunks: Chunk[] = [];

  constructor(engine: Engine, lists: Lists, { form }: ListCodec, scoring: DeviceScoring) {
    super();
    this.engine = engine;
    this.lists = lists;
    this.form = form;
    this.scoring = scoring;
  }

  override get bytes(): number {
    return this.chunks.reduce((sum, { codes, rows, terms }) => sum + codes.length + BYTES.u32 * rows.length + BYTES.i32 * terms.length, 0);
  }

  /** Sends what is not there yet. */
  async fill(): Promise<void> {
    const { stride, count } = this.lists;
    const most = Math.floor(this.engine.maxBlockBytes / stride);
    for (let begin = this.chunks.length ? count : 0; begin < count; begin += this.chunks.at(-1)!.count) {
      const wanted = Math.min(most, count - begin);
      this.chunks.push(await largestChunk(wanted, LEAST_CHUNK, 1, (rows) => this.makeChunk(begin, Math.min(rows, wanted))));
    }
  }

  /** The `keep` nearest admitted rows of each query f32 [nq, dim], by (key, row): u32 [nq, keep], NONE behind the last. */
  async nearest(queries: Float32Array, { lists, nprobe }: Probes, keep: number, { bits }: Admission): Promise<Uint32Array> {
    const { engine } = this;
    const nq = lists.length / nprobe;
    const dim = queries.length / nq;
    const found = new Uint32Array(nq * keep);
    const slice = this.sliceFor({ lists, nprobe });
    using mask = await engine.alloc('u32', bits.length, 'lists: mask');
    engine.write(mask, bits);
    for (let first = 0; first < nq; first += slice) {
      const end = Math.min(nq, first + slice);
      const probes = { lists: lists.subarray(first * nprobe, end * nprobe), nprobe };
      found.set(await this.nearestOf(queries.subarray(first * dim, end * dim), probes, keep, mask), first * keep);
    }
    return found;
  }

  protected override free(): void {
    for (const { codes, rows, terms } of this.chunks) for (const block of [codes, rows, terms]) block[Symbol.dispose]();
    this.scoring[Symbol.dispose]();
  }

  private async makeChunk(begin: number, count: number): Promise<Chunk> {
    const { engine, lists } = this;
    const { stride, withTerms } = lists;
    const [codes, rows, terms] = await allocAll(engine, [
      ['i8', count * stride, 'lists: codes on the device'],
      ['u32', count, 'lists: rows on the device'],
      ['i32', withTerms ? count : 1, 'lists: terms on the device'],
    ]);
    engine.write(codes, engine.host.view(lists.codes).subarray(begin * stride, (begin + count) * stride));
    engine.write(rows, engine.host.view(lists.rows).subarray(begin, begin + count));
    if (withTerms) engine.write(terms, engine.host.view(lists.terms).subarray(begin, begin + count));
    return { begin, count, codes, rows, terms };
  }

  /** Queries that go together: what they need has room in a block. */
  private sliceFor({ lists, nprobe }: Probes): number {
    const { maxBlockBytes, host } = this.engine;
    const offsets = host.view(this.lists.offsets);
    let longest = 1;
    for (let at = 0; at < lists.length; at += nprobe) {
      let met = 0;
      for (let p = at; p < at + nprobe; p++) if (lists[p] !== NONE) met += offsets[lists[p]! + 1]! - offsets[lists[p]!]!;
      longest = Math.max(longest, met);
    }
    longest = Math.min(longest, Math.max(...this.chunks.map(({ count }) => count)));
    const queryBytes = Math.max(queryStride(this.form, this.lists.stride), BYTES.u32 * JOB * (nprobe + 1));
    return Math.max(1, Math.floor(Math.min(MOST_KEYS / longest, maxBlockBytes / queryBytes)));
  }

  private async nearestOf(queries: Float32Array, probes: Probes, keep: number, mask: Block<'u32'>): Promise<Uint32Array> {
    using coded = await this.scoring.queries(queries, probes);
    const parts: Found[] = [];
    for (const chunk of this.chunks) {
      const { jobs, m } = this.jobsIn(chunk, probes, coded);
      if (m > 0) parts.push(await this.nearestIn(chunk, coded, jobs, m, keep, mask));
    }
    return merged(parts, probes.lists.length / probes.nprobe, keep);
  }

  private async nearestIn(
    { codes, rows, terms }: Chunk,
    { queries, shifts }: DeviceQueries,
    jobs: Uint32Array,
    m: number,
    keep: number,
    mask: Block<'u32'>,
  ): Promise<Found> {
    const { engine, form, lists } = this;
    const nq = shifts.length;
    const nprobe = jobs.length / nq / JOB - 1;
    using jobBlock = await engine.alloc('u32', jobs.length, 'lists: jobs');
    using keys = await engine.alloc('i32', nq * m, 'lists: keys');
    using ids = await engine.alloc('u32', nq * m, 'lists: ids');
    using lowest = await TopLists.open(engine, nq, m, keep);
    engine.write(jobBlock, jobs);
    const blocks = { queries, codes, rowTerms: terms, rows, mask, jobs: jobBlock, keys, ids };
    const { stride, withTerms } = lists;
    const params = { nq, nprobe, form, stride, queryWords: queries.length / nq, withTerms: withTerms ? 1 : 0, m };
    const recording = new Recording().dispatch(probeScan, blocks, params);
    const best = lowest.record(recording, keys, ids);
    await engine.run(recording);
    const [bestKeys, bestIds] = await engine.read([rangeOf(best.keys, 0, nq * keep), rangeOf(best.ids, 0, nq * keep)] as const);
    return { keys: bestKeys, ids: bestIds };
  }

  /** What queries probe of a chunk, u32 [nq, nprobe + 1, JOB], and the most rows that one of them meets there. */
  private jobsIn(
    { begin, count }: Chunk,
    { lists, nprobe }: Probes,
    { shifts, probeTerms }: DeviceQueries,
  ): { jobs: Uint32Array; m: number } {
    const offsets = this.engine.host.view(this.lists.offsets);
    const within = (position: number) => Math.min(count, Math.max(0, position - begin));
    const jobs = new Uint32Array(shifts.length * (nprobe + 1) * JOB);
    let m = 0;
    for (let q = 0, at = 0; q < shifts.length; q++, at += JOB) {
      let met = 0;
      for (let p = q * nprobe; p < (q + 1) * nprobe; p++, at += JOB) {
        const list = lists[p]!;
        const first = list === NONE ? 0 : within(offsets[list]!);
        jobs[at] = first;
        jobs[at + 1] = met;
        jobs[at + 2] = probeTerms[p]!;
        jobs[at + 3] = shifts[q]!;
        if (list !== NONE) met += within(offsets[list + 1]!) - first;
      }
      jobs[at + 1] = met;
      m = Math.max(m, met);
    }
    return { jobs, m };
  }
}

/** Of the chunks' nearest those of all: u32 [nq, keep]. */
function merged(parts: readonly Found[], nq: number, keep: number): Uint32Array {
  if (parts.length === 1) return parts[0]!.ids;
  const out = new Uint32Array(nq * keep).fill(NONE);
  for (let q = 0; q < nq; q++) {
    const all: { key: number; id: number }[] = [];
    for (const { keys, ids } of parts) {
      for (let i = q * keep; i < (q + 1) * keep && ids[i] !== NONE; i++) all.push({ key: keys[i]!, id: ids[i]! });
    }
    all.sort((a, b) => a.key - b.key || a.id - b.id);
    for (let i = 0; i < Math.min(keep, all.length); i++) out[q * keep + i] = all[i]!.id;
  }
  return out;
}

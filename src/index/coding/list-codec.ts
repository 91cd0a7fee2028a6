/** How rows of lists are coded and scored: one interface, whatever the codes are. */
import type { Block } from '../../host/block.ts';
import type { Engine } from '../../host/engine.ts';
import type { Form } from '../../kernels/graph.ts';
import type { TaskOptions } from '../../util/tasks.ts';
import { normaliseRow } from '../checked-rows.ts';

/** Queries as the scan of lists takes them, on the host engine. */
export interface CodedQueries extends Disposable {
  /** i8 [nq, queryStride] */
  readonly queries: Block<'i8'>;
  /** u32 [nq]: what terms of rows are shifted by. */
  readonly shifts: Block<'u32'>;
  /** i32 [nq, nprobe]: what each probed list adds to keys. */
  readonly probeTerms: Block<'i32'>;
  /** [nq], where codecs know what rows lost. */
  readonly scores?: readonly Score[];
}

/** What a query's keys say of scores, |q − x̂|² or −q · x̂: least + unit · key, give or take `error`. */
export interface Score {
  readonly least: number;
  readonly unit: number;
  readonly error: number;
}

/** Queries in these blocks, which go with them. */
export function codedQueries(queries: Block<'i8'>, shifts: Block<'u32'>, probeTerms: Block<'i32'>): CodedQueries {
  return {
    queries,
    shifts,
    probeTerms,
    [Symbol.dispose]() {
      for (const block of [queries, shifts, probeTerms]) block[Symbol.dispose]();
    },
  };
}

/** A vector that codes say, at unit length: coding costs length, and so would order by products what was coded best. */
export function normaliseSaid(vector: Float32Array): void {
  let squares = 0;
  for (const x of vector) squares += x * x;
  if (squares > 0) normaliseRow(vector, squares);
}

/** The lists that each query probes: u32 [nq, nprobe], NONE where there is none. */
export interface Probes {
  readonly lists: Uint32Array;
  readonly nprobe: number;
}

/** Queries as a device scans for them: on it what they are scored from, on the host what goes into its jobs. */
export interface DeviceQueries extends Disposable {
  /** u32 [nq, queryStride / 4] */
  readonly queries: Block<'u32'>;
  /** u32 [nq] */
  readonly shifts: Uint32Array;
  /** i32 [nq, nprobe] */
  readonly probeTerms: Int32Array;
}

/** Makes queries on a device. */
export interface DeviceScoring extends Disposable {
  /** Queries f32 [nq, dim]. */
  queries(queries: Float32Array, probes: Probes): Promise<DeviceQueries>;
}

/** A trained codec on the host engine. */
export interface ListCodec extends Disposable {
  readonly form: Form;
  /** Bytes of a code. */
  readonly stride: number;
  readonly withTerms: boolean;
  /** Codes of rows f32 [n, dim], which join the given lists. */
  encode(rows: Float32Array, lists: Uint32Array, options: TaskOptions): Promise<{ codes: Int8Array; terms: Int32Array | undefined }>;
  /** Terms i32 [n] of codes i8 [n, stride] in lists, where the codec has any. */
  termsOf?(codes: Int8Array, lists: Uint32Array): Int32Array | undefined;
  /** Queries f32 [nq, dim]. */
  queries(queries: Float32Array, probes: Probes): Promise<CodedQueries>;
  /** What makes queries on a device, for as long as the codec is there; the caller disposes of it. */
  openScoring(engine: Engine): Promise<DeviceScoring>;
  /** What a code in a list says, to f32 [dim]: under cosine a direction, as all vectors are. */
  decode(codes: Int8Array, at: number, list: number, out: Float32Array): void;
  /** The same of many at once, where there is a faster way: `places` u32 [n, 2] are positions and lists, to rows f32 [n, width]. */
  decodeRows?(codes: Block<'i8'>, places: Uint32Array, rows: Block<'f32'>, width: number): Promise<void>;
  /** At least the distance between a row as it was to be coded and what its code, from a byte on, says of it (no unit length forced). */
  errorAt?(codes: Int8Array, at: number): number;
}

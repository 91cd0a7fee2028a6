/** What contenders in Node share: a library behind an Adapter answers the protocol. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { readFloats, writeNumbers } from '../files.ts';
import type { IndexRequests, IndexShape, LoadRequest, Setting } from '../index-protocol.ts';
import type { MemoryParts, PeerInfo } from '../peer.ts';
import { type Handlers, oneByOne, resident, sampled } from './serve.ts';

/** One library with one index. What is measured is `build`, `searchAll` and `searchOne`, and nothing else. */
export interface Adapter {
  open(request: Readonly<Record<string, unknown>>): PeerInfo | Promise<PeerInfo>;
  /** Builds from rows f32 [n, dim]; `path` is for libraries that build on disk. Returns the number of threads. */
  build(rows: Float32Array, shape: IndexShape, path: string): number | Promise<number>;
  save(path: string): void | Promise<void>;
  /** Brings the queries into the form that the library wants. */
  take(queries: Queries): void;
  load(request: LoadRequest): void | Promise<void>;
  /** How searches to come are done, and for how many neighbours. */
  choose(setting: Setting, k: number): void | Promise<void>;
  /** All queries. */
  searchAll(): unknown;
  /** One of them. */
  searchOne(q: number): unknown;
  /** Labels i32 [nq, k] of what searchAll gave. */
  labels(answer: unknown): Int32Array;
  memory?(): MemoryParts;
}

export interface Queries {
  /** f32 [nq, dim] */
  readonly all: Float32Array;
  /** Views of them, f32 [dim]. */
  readonly each: readonly Float32Array[];
}

/** An Adapter's end of the protocol. */
export function handlers(library: Adapter): Handlers<IndexRequests> {
  let nq: number;
  let usual: number;
  let answer: unknown;
  return {
    open: async (request) => library.open(request),

    async build({ base, path, ...shape }) {
      const rows = readFloats(base);
      let threads = 1;
      const sample = await sampled(async () => {
        threads = await library.build(rows, shape, path);
      });
      await library.save(path);
      return { ...sample, threads };
    },

    async load(request) {
      const all = readFloats(request.queries);
      const each = rowsOf(all, request.dim);
      nq = each.length;
      usual = request.k;
      library.take({ all, each });
      const rssBefore = resident();
      await library.load(request);
      return { rssBefore, rss: resident(), memory: library.memory?.() };
    },

    async search({ setting, k = usual }) {
      await library.choose(setting, k);
      return sampled(async () => {
        answer = await library.searchAll();
      });
    },

    async single({ setting, k = usual, first, count }) {
      await library.choose(setting, k);
      return { seconds: await oneByOne(first, count, nq, (q) => library.searchOne(q)) };
    },

    async answers({ labels }) {
      writeNumbers(labels, library.labels(answer));
      return {};
    },

    resident: async () => ({ rss: resident() }),
  };
}

/** How the bench opens a contender from npm. */
export interface PackageRequest {
  /** Where it was installed. */
  folder: string;
  name: string;
  threads: number;
  /** Scalar kind of its vectors. */
  kind: string;
}

/** A package installed outside this repository, and its version. */
export function requirePackage<Module>({ folder, name }: PackageRequest): { module: Module; version: string } {
  const require = createRequire(join(folder, 'index.js'));
  const { version } = require(join(folder, 'node_modules', name, 'package.json')) as { version: string };
  return { module: require(name) as Module, version };
}

/** What a package brought along. */
export function required<Module>({ folder }: PackageRequest, name: string): Module {
  return createRequire(join(folder, 'index.js'))(name) as Module;
}

/** Rows as views, one each. */
export function rowsOf(floats: Float32Array, dim: number): Float32Array[] {
  return Array.from({ length: floats.length / dim }, (_, row) => floats.subarray(row * dim, (row + 1) * dim));
}

/**
 * Built indexes are kept, since building takes far longer than searching: under the data, the contender, its version and
 * the parameters, with what the build took beside each. `rebuild` builds anew, which is how build times are measured.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import type { DataSet } from '../data-sets.ts';
import type { Session } from '../session.ts';
import { type Candidate, start } from './candidates.ts';
import type { BuildReply, GraphRequests, GraphShape } from './protocol.ts';

export interface BuildRecord extends BuildReply {
  readonly date: string;
  /** One-minute load average when it began: what else the machine did. */
  readonly loadAverage: number;
  /** Of the index as stored. */
  readonly bytes: number;
}

export interface StoredIndex {
  readonly path: string;
  readonly record: BuildRecord;
}

export interface StoreOptions {
  readonly cache: string;
  readonly rebuild: boolean;
  readonly say: (line: string) => void;
}

export interface IndexRequest {
  readonly candidate: Candidate;
  readonly version: string;
  readonly shape: GraphShape;
  readonly threads: number;
}

/** Finds the indexes of one data set, or has them built. */
export class IndexStore {
  private readonly folder: string;
  private readonly base: string;
  private readonly options: StoreOptions;
  /** Built by this run: not again, `rebuild` or not. */
  private readonly fresh = new Set<string>();

  constructor({ name, base, dim }: DataSet, { files }: Session, options: StoreOptions) {
    const fingerprint = createHash('sha256')
      .update(new Uint8Array(base.buffer, base.byteOffset, base.byteLength))
      .digest('hex');
    this.folder = join(options.cache, 'bench-indexes', `${name}-${base.length / dim}x${dim}-${fingerprint.slice(0, 12)}`);
    this.base = files.base;
    this.options = options;
  }

  async get(request: IndexRequest): Promise<StoredIndex> {
    const { candidate, version, shape, threads } = request;
    const parameters = `${candidate.id}-m${shape.m}-ef${shape.efConstruction}-t${threads}`;
    const folder = join(this.folder, parameters, version);
    const about = join(folder, 'build.json');
    const wanted = this.options.rebuild ? this.fresh.has(folder) : existsSync(about);
    if (!wanted) await this.build(request, folder);
    this.fresh.add(folder);
    return { path: join(folder, 'index'), record: JSON.parse(readFileSync(about, 'utf8')) };
  }

  /** Other versions go: only the newest is of use, and they are large. */
  private async build({ candidate, shape, threads }: IndexRequest, folder: string): Promise<void> {
    const partial = `${dirname(folder)}.partial`;
    for (const old of [partial, dirname(folder)]) rmSync(old, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    const path = join(partial, 'index');
    const about = { date: new Date().toISOString(), loadAverage: loadavg()[0]! };
    this.options.say(`building ${candidate.label}, M ${shape.m}, ${threads} thread${threads > 1 ? 's' : ''}`);
    const reply = await buildWith(candidate, threads, { ...shape, base: this.base, path });
    const record: BuildRecord = { ...reply, ...about, bytes: bytesOf(path) };
    writeFileSync(join(partial, 'build.json'), `${JSON.stringify(record, null, 1)}\n`);
    mkdirSync(dirname(folder), { recursive: true });
    renameSync(partial, folder);
  }
}

/** In a process of its own, so that a search starts with the memory of a loaded index and no more. */
async function buildWith(candidate: Candidate, threads: number, request: GraphRequests['build'][0]): Promise<BuildReply> {
  const peer = start<GraphRequests>(candidate, threads);
  const opened = await peer.enter(candidate.request(threads));
  if ('reason' in opened) throw new Error(opened.reason);
  try {
    return await peer.ask('build', request);
  } finally {
    await peer.close();
  }
}

function bytesOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

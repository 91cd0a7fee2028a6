/**
 * Built indexes are kept, since building takes far longer than searching: under the data, a name for contender and parameters,
 * and the contender's version, with what the build took beside each. `rebuild` builds anew, which is how build times are measured.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import type { DataSet } from './data-sets.ts';

/** What a build took, as the contender tells it, and around it. */
export type Built<Reply> = Reply & {
  readonly date: string;
  /** One-minute load average when it began: what else the machine did. */
  readonly loadAverage: number;
  /** Of the index as stored. */
  readonly bytes: number;
};

export interface Stored<Reply> {
  readonly path: string;
  readonly record: Built<Reply>;
}

export interface StoreOptions {
  readonly cache: string;
  readonly rebuild: boolean;
  readonly say: (line: string) => void;
}

export interface BuildJob<Reply> {
  /** Of contender and parameters, as a folder's name. */
  readonly name: string;
  readonly version: string;
  /** For people. */
  readonly label: string;
  readonly build: (path: string) => Promise<Reply>;
  /** Why it is not to be built where it is not there, if so. */
  readonly refuse?: () => string | undefined;
}

/** Finds the indexes of one data set, or has them built. */
export class IndexStore {
  private readonly folder: string;
  private readonly options: StoreOptions;
  /** Built by this run: not again, `rebuild` or not. */
  private readonly fresh = new Set<string>();

  constructor({ name, base, dim }: DataSet, options: StoreOptions) {
    const fingerprint = createHash('sha256')
      .update(new Uint8Array(base.buffer, base.byteOffset, base.byteLength))
      .digest('hex');
    this.folder = join(options.cache, 'bench-indexes', `${name}-${base.length / dim}x${dim}-${fingerprint.slice(0, 12)}`);
    this.options = options;
  }

  async get<Reply extends object>(job: BuildJob<Reply>): Promise<Stored<Reply>> {
    const folder = join(this.folder, job.name, job.version);
    const about = join(folder, 'build.json');
    const wanted = this.options.rebuild ? this.fresh.has(folder) : existsSync(about);
    if (!wanted) {
      const reason = job.refuse?.();
      if (reason !== undefined) throw new Error(reason);
      await this.build(job, folder);
    }
    this.fresh.add(folder);
    return { path: join(folder, 'index'), record: JSON.parse(readFileSync(about, 'utf8')) };
  }

  /** Other versions go: only the newest is of use, and they are large. */
  private async build<Reply extends object>({ label, build }: BuildJob<Reply>, folder: string): Promise<void> {
    const partial = `${dirname(folder)}.partial`;
    for (const old of [partial, dirname(folder)]) rmSync(old, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    const path = join(partial, 'index');
    const about = { date: new Date().toISOString(), loadAverage: loadavg()[0]! };
    this.options.say(`building ${label}`);
    const record: Built<Reply> = { ...(await build(path)), ...about, bytes: bytesOf(path) };
    writeFileSync(join(partial, 'build.json'), `${JSON.stringify(record, null, 1)}\n`);
    mkdirSync(dirname(folder), { recursive: true });
    renameSync(partial, folder);
  }
}

function bytesOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

/** What is the same around every bench of data sets: a scratch folder, the sets that are there, and what was skipped. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DataOptions, type DataSet, loadSet } from './data-sets.ts';
import { writeNumbers } from './files.ts';

export interface Skipped {
  readonly what: string;
  readonly reason: string;
}

export interface SessionOptions extends DataOptions {
  readonly sets: readonly string[];
}

export interface Session {
  /** Removed at the end. */
  readonly folder: string;
  /** The set at hand, as f32 rows for contenders. */
  readonly files: { readonly base: string; readonly queries: string };
  readonly skip: (one: Skipped) => void;
}

export interface SetReports<Report> {
  readonly reports: readonly Report[];
  readonly skipped: readonly Skipped[];
}

/** Does `work` with one data set after the other; `keep` gets all reports so far after each. */
export async function overSets<Report>(
  options: SessionOptions,
  work: (set: DataSet, session: Session) => Promise<Report>,
  keep: (all: SetReports<Report>) => Promise<void> = async () => {},
): Promise<SetReports<Report>> {
  const skipped = new Map<string, Skipped>(); // a contender is skipped on every set, and told once
  const skip = (one: Skipped) => void skipped.set(JSON.stringify(one), one);
  const reports: Report[] = [];
  return inScratch(async (folder) => {
    const files = { base: join(folder, 'base.f32'), queries: join(folder, 'queries.f32') };
    for (const name of options.sets) {
      const set = await loadSet(name, options);
      if ('missing' in set) {
        skip({ what: `data set ${name}`, reason: set.missing });
        continue;
      }
      writeNumbers(files.base, set.base);
      writeNumbers(files.queries, set.queries);
      reports.push(await work(set, { folder, files, skip }));
      await keep({ reports, skipped: [...skipped.values()] });
    }
    return { reports, skipped: [...skipped.values()] };
  });
}

/** Does `work` with a folder that is gone afterwards, however the process ends. */
export async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'isodex-bench-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  try {
    return await work(folder);
  } finally {
    removeFolder();
    process.off('exit', removeFolder);
  }
}

/** Between turns: threads of the contender before that still spin go to sleep. */
export function pause(): Promise<void> {
  return sleep(30);
}

/** How many of `count` single queries come before a round: every round asks its share. */
export function shareBefore(round: number, count: number, rounds: number): number {
  return Math.floor((round * count) / rounds);
}

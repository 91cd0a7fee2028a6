/** All kinds of index beside other libraries in one run, on the same data. */
import { type PeerOptions, plural } from '../contenders.ts';
import type { DataSet } from '../data-sets.ts';
import { Truth } from '../hnsw/truth.ts';
import { IndexStore, type StoreOptions } from '../index-store.ts';
import { thisMachine } from '../machine.ts';
import { factsOf } from '../report.ts';
import { overSets, type Session, type SessionOptions, type SetReports } from '../session.ts';
import { type Case, casesOf } from './cases.ts';
import { type Contender, findContenders } from './contenders.ts';
import { indexName, type Lane, laneLabel, openLane, type Track } from './lanes.ts';
import { type Kind, type LaneReport, RECALLS, type SetReport, type SuiteReport } from './report.ts';
import { type LaneTrack, survey, takeRounds } from './rounds.ts';
import { FIT_RECALL, laneReport, memoryShareOf, reductionsOf } from './summary.ts';

export interface SuiteOptions extends SessionOptions, PeerOptions, StoreOptions {
  readonly repeats: number;
  /** Queries one by one, in all rounds together. */
  readonly singles: number;
  /** Each a lane of its own. */
  readonly threads: readonly number[];
  readonly kinds: readonly Kind[];
  /** Descriptions as libraries call them; none: all of those kinds. */
  readonly indexes: readonly string[];
  /** Fewer indexes, and fewer ways to search them. */
  readonly quick: boolean;
  /** Indexes that take ten minutes and more to build. */
  readonly slow: boolean;
  readonly budget: Budget;
  /** Gets the report so far after each data set: one takes long, and the next may fail. */
  readonly keep: (report: SuiteReport) => Promise<void>;
}

/** Seconds from the start after which no more is begun. */
interface Budget {
  readonly costlyBuilds: number;
  readonly builds: number;
  readonly rounds: number;
}

const K = 10;
const EF_CONSTRUCTION = 200;

export async function benchSuite(options: SuiteOptions): Promise<SuiteReport> {
  const begun = performance.now();
  const { costlyBuilds, builds, rounds } = options.budget;
  const spent = () => (performance.now() - begun) / 1000;
  const late = ({ costly }: Case) =>
    spent() > (costly ? costlyBuilds : builds) ? 'no time was left to build it; without --quick there is' : undefined;
  const machine = thisMachine();
  const { contenders, skipped: absent } = await findContenders(options);
  const seen = new Map<string, SuiteReport['contenders'][number]>();
  const { repeats, singles, quick, keep } = options;
  const settings = { k: K, repeats, singles, quick, enough: FIT_RECALL };
  const reportOn = ({ reports: sets, skipped }: SetReports<SetReport>): SuiteReport => {
    const version = String(seen.get('isodex')?.info.isodex ?? '');
    const date = new Date().toISOString();
    return { bench: 'suite', version, date, machine, settings, contenders: [...seen.values()], skipped, sets };
  };
  const see = ({ contender: { library }, info }: Lane) => {
    if (!seen.has(library.id)) seen.set(library.id, { id: library.id, label: library.label, info });
  };
  const work = async (set: DataSet, session: Session) => {
    absent.forEach(session.skip);
    const { threads } = options;
    const store = new IndexStore(set, options);
    const track: Track = { set, session, store, k: K, efConstruction: EF_CONSTRUCTION, threads: Math.max(...threads), late };
    options.say(`${set.name}: exact neighbours`);
    const truth = await Truth.find(options.library, set, Math.max(...RECALLS));
    try {
      return await benchSet({ contenders, track, truth, see, timeIsUp: () => spent() > rounds }, options);
    } finally {
      truth.close();
    }
  };
  return reportOn(await overSets(options, work, (all) => keep(reportOn(all))));
}

/** What it takes to measure one set. */
interface Work {
  readonly contenders: readonly Contender[];
  readonly track: Track;
  readonly truth: Truth;
  readonly timeIsUp: () => boolean;
  readonly see: (lane: Lane) => void;
}

/** One number of threads after the other: processes of all lanes at once would want twice the memory. */
async function benchSet(work: Work, options: SuiteOptions): Promise<SetReport> {
  const { set } = work.track;
  const lanes: LaneReport[] = [];
  const loadAverages: number[] = [];
  for (const threads of options.threads) {
    options.say(`${set.name}: ${plural(threads)}`);
    const open = await openLanes(threads, work, options);
    try {
      const found = await benchLanes(open, threads, work, options);
      lanes.push(...found.lanes);
      loadAverages.push(...found.loadAverages);
    } finally {
      await Promise.all(open.map(({ peer }) => peer.close()));
    }
  }
  return { ...factsOf(set), loadAverages, lanes, reductions: reductionsOf(lanes), memoryShare: memoryShareOf(lanes) };
}

async function benchLanes(open: readonly Lane[], threads: number, { track, truth, timeIsUp }: Work, options: SuiteOptions) {
  const { session, set, k } = track;
  const failed = (lane: Lane, error: Error) => session.skip({ what: `${laneLabel(lane)} on ${set.name}`, reason: error.message });
  const surveyed: LaneTrack[] = [];
  for (const [i, lane] of open.entries()) {
    options.say(`  recall of ${laneLabel(lane)} (${i + 1} of ${open.length})`);
    try {
      surveyed.push(await survey(lane, k, session, truth));
    } catch (error) {
      failed(lane, error as Error);
    }
  }
  // several threads gain nothing for a query alone
  const { tracks, loadAverages } = await takeRounds(
    surveyed,
    { repeats: options.repeats, singles: threads === 1 ? options.singles : 0, timeIsUp, say: options.say },
    failed,
  );
  return { lanes: tracks.map((one) => laneReport(one, track)), loadAverages };
}

/** One that cannot be had is skipped. */
async function openLanes(threads: number, work: Work, options: SuiteOptions): Promise<Lane[]> {
  const { session, set } = work.track;
  const wanted = work.contenders
    .filter(({ searches }) => searches || threads === 1)
    .flatMap((contender) => wantedOf(contender, work.track, options).map((one) => ({ contender, case: one })));
  if (wanted.length === 0)
    session.skip({ what: `data set ${set.name}`, reason: 'no index is as --kinds and --indexes ask; leave one of them out' });
  const lanes = new Map<Case, Lane>();
  for (const { contender, case: one } of [...wanted].sort((a, b) => costOf(a.case) - costOf(b.case))) {
    try {
      if (one.unfit !== undefined) throw new Error(one.unfit);
      const lane = await openLane(contender, one, threads, work.track);
      work.see(lane);
      lanes.set(one, lane);
    } catch (error) {
      session.skip({ what: `${contender.library.label} ${indexName(one)} on ${set.name}`, reason: (error as Error).message });
    }
  }
  return wanted.flatMap(({ case: one }) => lanes.get(one) ?? []);
}

function costOf({ costly }: Case): number {
  return costly ? 1 : 0;
}

function wantedOf({ library }: Contender, { set, k }: Track, { kinds, indexes, quick, slow }: SuiteOptions): Case[] {
  const { rows, dim } = factsOf(set);
  return casesOf(library.id, { rows, dim, k, quick, slow }).filter(
    ({ kind, description }) => kinds.includes(kind) && (indexes.length === 0 || indexes.includes(description)),
  );
}

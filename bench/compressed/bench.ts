/** Compressed indexes beside FAISS's with the same explicit parameters, on the same data in one run. */
import type { PeerOptions } from '../contenders.ts';
import type { DataSet } from '../data-sets.ts';
import { Truth } from '../hnsw/truth.ts';
import { IndexStore, type StoreOptions } from '../index-store.ts';
import { faiss, isodex, type Library } from '../libraries.ts';
import { thisMachine } from '../machine.ts';
import { factsOf } from '../report.ts';
import { overSets, type Session, type SessionOptions, type SetReports } from '../session.ts';
import { type Case, type CaseOptions, casesFor } from './cases.ts';
import { type Lane, openLane, type Track } from './lanes.ts';
import { type CaseReport, type CompressedReport, caseReport, type SetReport } from './report.ts';
import { type RoundOptions, survey, takeRounds } from './rounds.ts';

export interface CompressedOptions extends SessionOptions, PeerOptions, StoreOptions, RoundOptions, CaseOptions {
  readonly efConstruction: number;
  readonly threads: readonly number[];
  /** Descriptions, of those that a set's dimension calls for; none: all. */
  readonly indexes: readonly string[];
  /** Gets the report so far after each data set: one takes long, and the next may fail. */
  readonly keep: (report: CompressedReport) => Promise<void>;
}

export async function benchCompressed(options: CompressedOptions): Promise<CompressedReport> {
  const machine = thisMachine();
  const unknown = options.peers.find((name) => name !== 'faiss');
  if (unknown !== undefined) throw new Error(`--peers: there is no '${unknown}'; give faiss or nothing`);
  const seen = new Map<string, CompressedReport['contenders'][number]>();
  const { k, repeats, efConstruction, nlist, keep } = options;
  const settings = { k, repeats, efConstruction, nlist };
  const reportOn = ({ reports: sets, skipped }: SetReports<SetReport>): CompressedReport => {
    return { bench: 'compressed', date: new Date().toISOString(), machine, settings, contenders: [...seen.values()], skipped, sets };
  };
  const rival = options.peers.length > 0 ? await faiss(options, 'faiss-compressed.py') : undefined;
  const see = ({ contender: { id, label }, info }: Lane) => void seen.set(id, { id, label, info });
  const work = async (set: DataSet, session: Session) => {
    if (rival && 'missing' in rival) session.skip({ what: 'FAISS', reason: rival.missing });
    const { threads } = options;
    const store = new IndexStore(set, options);
    const track: Track = { set, session, store, k, efConstruction, threads: Math.max(...threads) };
    const truth = await Truth.find(options.library, set, k);
    try {
      return await benchSet({ track, truth, rival: rival && 'command' in rival ? rival : undefined, options, see });
    } finally {
      truth.close();
    }
  };
  return reportOn(await overSets(options, work, (all) => keep(reportOn(all))));
}

/** What it takes to measure the cases of one set. */
interface Work {
  readonly track: Track;
  readonly truth: Truth;
  readonly rival: Library | undefined;
  readonly options: CompressedOptions;
  readonly see: (lane: Lane) => void;
}

async function benchSet(work: Work): Promise<SetReport> {
  const { set, session } = work.track;
  const { indexes, say } = work.options;
  const all = casesFor(set.dim, work.options);
  const cases = indexes.length > 0 ? all.filter(({ description }) => indexes.includes(description)) : all;
  if (cases.length === 0) {
    const names = all.map(({ description }) => description).join(' ');
    session.skip({ what: `data set ${set.name}`, reason: `none of --indexes is among its ${names}` });
  }
  const reports: CaseReport[] = [];
  for (const one of cases) {
    say(`${set.name}: ${one.description}`);
    const report = await benchCase(one, work);
    if (report) reports.push(report);
  }
  return { ...factsOf(set), cases: reports };
}

/** Undefined where Isodex cannot make such an index. */
async function benchCase(one: Case, work: Work): Promise<CaseReport | undefined> {
  const { track, truth, options } = work;
  const lanes = await openLanes(one, work);
  try {
    if (lanes.length === 0) return undefined;
    const tracks = [];
    for (const lane of lanes) tracks.push(await survey(lane, one.settings, track.session, truth));
    return caseReport(one.description, tracks, await takeRounds(tracks, options), factsOf(track.set));
  } finally {
    await Promise.all(lanes.map(({ peer }) => peer.close()));
  }
}

/** Isodex's lanes, then FAISS's. One that cannot be had is skipped, and all with Isodex's first. */
async function openLanes({ description, originals, rivals }: Case, { track, rival, options, see }: Work): Promise<Lane[]> {
  const ours = isodex(options, 'isodex-compressed.ts');
  const wanted = [
    ...originals.map((where) => ({ contender: ours, name: description, where })),
    ...(rival ? rivals.map((name) => ({ contender: rival, name, where: 'memory' as const })) : []),
  ];
  const lanes: Lane[] = [];
  for (const { contender, name, where } of wanted) {
    try {
      const lane = await openLane(contender, name, where, track);
      see(lane);
      lanes.push(lane);
    } catch (error) {
      track.session.skip({ what: `${contender.label} ${name} on ${track.set.name}`, reason: (error as Error).message });
      if (lanes.length === 0) break;
    }
  }
  return lanes;
}

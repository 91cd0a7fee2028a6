/** HNSW beside other libraries, at equal recall on the same data in one run. */
import { loadavg } from 'node:os';
import type { PeerOptions } from '../contenders.ts';
import type { DataSet } from '../data-sets.ts';
import type { IndexRequests } from '../index-protocol.ts';
import type { StoreOptions } from '../index-store.ts';
import { thisMachine } from '../machine.ts';
import { factsOf } from '../report.ts';
import { overSets, type Session, type SessionOptions, type SetReports } from '../session.ts';
import { type Candidate, findCandidates, ISODEX } from './candidates.ts';
import { GraphStore } from './indexes.ts';
import { isodexParts, type PartsOptions } from './isodex-parts.ts';
import { type Lane, load, type Track } from './lanes.ts';
import { type HnswReport, laneReport, recallDifferences, rivalReports, type SetReport } from './report.ts';
import { type LaneTrack, survey, takeTurns } from './sweep.ts';
import { Truth } from './truth.ts';

export interface HnswOptions extends SessionOptions, PeerOptions, StoreOptions, PartsOptions {
  readonly k: number;
  /** Links of a node on upper layers, half of those on layer 0; each of them makes an index. */
  readonly m: readonly number[];
  readonly efConstruction: number;
  /** Build what is not stored, and no more. */
  readonly buildOnly: boolean;
  /** Gets the report so far after each data set: one takes long, and the next may fail. */
  readonly keep: (report: HnswReport) => Promise<void>;
}

/** Recall at equal parameters is compared with this one. */
const RECALL_YARDSTICK = 'hnswlib-node';

export async function benchHnsw(options: HnswOptions): Promise<HnswReport> {
  const machine = thisMachine();
  const { candidates, skipped: absent } = await findCandidates(options);
  const seen = new Map<string, HnswReport['contenders'][number]>();
  const { k, repeats, efConstruction, m, keep } = options;
  const settings = { k, repeats, efConstruction, m };
  const reportOn = ({ reports: sets, skipped }: SetReports<SetReport>): HnswReport => {
    return { bench: 'hnsw', date: new Date().toISOString(), machine, settings, contenders: [...seen.values()], skipped, sets };
  };
  const work = async (set: DataSet, session: Session) => {
    absent.forEach(session.skip);
    const track = { set, session, store: new GraphStore(set, session, options), k, efConstruction };
    const lanes = await openLanes(candidates, track, options);
    for (const { candidate, info } of lanes) seen.set(candidate.id, { id: candidate.id, label: candidate.label, info });
    try {
      return await benchSet(lanes, track, options);
    } finally {
      await Promise.all(lanes.map(({ peer }) => peer.close()));
    }
  };
  return reportOn(await overSets(options, work, (all) => keep(reportOn(all))));
}

async function openLanes(candidates: readonly Candidate[], track: Track, options: HnswOptions): Promise<Lane[]> {
  const lanes: Lane[] = [];
  for (const m of options.m) {
    for (const candidate of candidates) {
      const threads = { build: Math.max(...options.threads), search: 1 };
      const result = await load<IndexRequests>(candidate, m, threads, track);
      if ('reason' in result) track.session.skip({ what: `${candidate.label} on ${track.set.name}`, reason: result.reason });
      else lanes.push({ ...result, candidate, m });
    }
  }
  return lanes;
}

async function benchSet(lanes: readonly Lane[], track: Track, options: HnswOptions): Promise<SetReport> {
  const { set, session } = track;
  const facts = factsOf(set);
  if (options.buildOnly) {
    const built = lanes.map((lane) => ({ lane, points: [], single: [] }));
    return { ...facts, loadAverages: [], ...reportOf(built, facts.queries), isodex: null };
  }
  options.say(`${set.name}: exact neighbours`);
  const truth = await Truth.find(options.library, set, options.k);
  try {
    const tracks = await surveyAll(lanes, session, truth, options);
    const loadAverages: number[] = [];
    for (let round = 0; round < options.repeats; round++) {
      options.say(`${set.name}: round ${round + 1} of ${options.repeats}`);
      loadAverages.push(loadavg()[0]!);
      await takeTurns(tracks, round, options);
    }
    const isodex = await partsOf(tracks, track, truth, options);
    return { ...facts, loadAverages, ...reportOf(tracks, facts.queries), isodex };
  } finally {
    truth.close();
  }
}

/** Of Isodex's last M. A failure here must not take the rounds with it. */
async function partsOf(tracks: readonly LaneTrack[], track: Track, truth: Truth, options: HnswOptions): Promise<SetReport['isodex']> {
  const ours = tracks.findLast(({ lane }) => lane.candidate.id === ISODEX);
  if (!ours) return null;
  try {
    return await isodexParts(ours.lane.m, ours.points, track, truth, options);
  } catch (error) {
    track.session.skip({ what: `Isodex alone on ${track.set.name}`, reason: (error as Error).message });
    return null;
  }
}

async function surveyAll(lanes: readonly Lane[], session: Session, truth: Truth, { efs, say }: HnswOptions): Promise<LaneTrack[]> {
  const tracks: LaneTrack[] = [];
  for (const lane of lanes) {
    say(`recall of ${lane.candidate.label}, M ${lane.m}`);
    tracks.push({ lane, points: await survey(lane.peer, efs, session, truth), single: [] });
  }
  return tracks;
}

function reportOf(tracks: readonly LaneTrack[], nq: number): Pick<SetReport, 'lanes' | 'rivals' | 'recallDifferences'> {
  return {
    lanes: tracks.map((one) => laneReport(one, nq)),
    rivals: rivalReports(tracks, nq),
    recallDifferences: recallDifferences(tracks, RECALL_YARDSTICK),
  };
}

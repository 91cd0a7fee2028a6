/** Flat's file: the live rows in the order they were added, their labels, serials and keys. */
import type { TaskOptions } from '../util/tasks.ts';
import { type BodyReader, writeBody } from './format.ts';
import type { OriginalsAt } from './originals.ts';
import { labelSections, readCounts, readLabels, readSettings, readVectors, vectorSection } from './row-file.ts';
import type { RowState } from './row-index.ts';
import { allLive, liveRows, type Snapshot } from './rows.ts';
import type { Settings } from './vector-index.ts';

/** The file's bytes in pieces. Codes are derived, not stored, so what is written only depends on the rows. */
export function writeFlat({ dim, metric, seed }: Settings, snapshot: Snapshot, options: TaskOptions): AsyncGenerator<Uint8Array> {
  const rows = liveRows(snapshot);
  const state = { count: rows.length, nextLabel: snapshot.nextLabel, nextSerial: snapshot.nextSerial };
  return writeBody({ description: 'Flat', dim, metric, seed, state }, [
    ...labelSections(snapshot, rows),
    vectorSection(snapshot, rows, options),
  ]);
}

/** Reads a Flat body; `originalsAt` gives its vectors another place than memory. */
export async function readFlat(reader: BodyReader, options: TaskOptions, originalsAt: OriginalsAt | undefined): Promise<RowState> {
  const settings = readSettings(reader.header);
  const { withKeys, ...counts } = readCounts(reader.header, settings.dim, 0);
  const { count } = counts;
  const labels = await readLabels(reader, withKeys);
  const originals = await readVectors(reader, count, settings.dim, { originalsAt, ...options });
  await reader.finish();
  return { ...settings, snapshot: { ...counts, ...labels, originals, liveCount: count, live: allLive(count) } };
}

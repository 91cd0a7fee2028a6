/** What a contender's process answered last, as every protocol of indexes has it. */
import { join } from 'node:path';
import { readInts } from './files.ts';
import type { Session } from './session.ts';

/** A process that is asked for its answers. */
interface Answering {
  ask(op: 'answers', request: { labels: string }): Promise<unknown>;
}

/** The labels that the last batch gave, i32 [nq, k]. */
export async function answersOf(peer: Answering, { folder }: Session): Promise<Int32Array> {
  const labels = join(folder, 'labels.i32');
  await peer.ask('answers', { labels });
  return readInts(labels);
}

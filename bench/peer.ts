/**
 * A contender in a process of its own, spoken to in lines of JSON over its standard input and output; vectors and answers
 * travel in raw little-endian files. bench/isodex-peer.ts and bench/faiss-peer.py speak it:
 *
 *   {"op":"open", …}                                      → what it is: versions, threads, adapter
 *   {"op":"build","base","queries","dim","metric","k"}    → {"add","prepare","rssBefore","rssBuilt","memory"}; f32 files
 *   {"op":"search"}                                       → {"seconds","cpuSeconds"} of all queries in one batch
 *   {"op":"single","first","count"}                       → {"seconds":[…]} of so many queries one by one
 *   {"op":"answers","labels","distances"}                 → writes the last batch's, i32 and f32 [nq, k]
 *   {"op":"memory"}                                       → {"rss","peak","memory"}
 *
 * or {"error"} for any of them. It ends when its input does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Bytes an index says that it holds, by part. */
export type MemoryParts = Readonly<Record<string, number>>;

export interface BuildRequest {
  /** Files of f32 rows. */
  readonly base: string;
  readonly queries: string;
  readonly dim: number;
  readonly metric: string;
  readonly k: number;
}

export interface BuildReply {
  /** Seconds to add all rows, and to do what the first search would do first. */
  readonly add: number;
  readonly prepare: number;
  /** Resident bytes before the rows were read, and when only the index holds them. */
  readonly rssBefore: number;
  readonly rssBuilt: number;
  readonly memory: MemoryParts;
  /** How the peer set itself up for this data, for people. */
  readonly note?: string;
}

export interface Requests {
  open: [request: Readonly<Record<string, unknown>>, reply: PeerInfo];
  build: [request: BuildRequest, reply: BuildReply];
  search: [request: Record<never, never>, reply: { seconds: number; cpuSeconds: number }];
  single: [request: { first: number; count: number }, reply: { seconds: number[] }];
  answers: [request: { labels: string; distances: string }, reply: Record<never, never>];
  memory: [request: Record<never, never>, reply: { rss: number; peak: number; memory: MemoryParts }];
}

export interface PeerInfo {
  readonly [detail: string]: unknown;
  /** Present where the peer declines to run: why. */
  readonly skip?: string;
}

export class Peer {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly exited: Promise<string>;

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    this.exited = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(error.message));
      this.child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `code ${code}`}`));
    });
    this.child.stdin!.on('error', () => {}); // told by `exited`
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async ask<Op extends keyof Requests>(op: Op, request: Requests[Op][0]): Promise<Requests[Op][1]> {
    this.child.stdin!.write(`${JSON.stringify({ op, ...request })}\n`);
    const { done, value } = await this.lines.next();
    if (done) throw new Error(`${op}: the contender's process failed: ${await this.exited}`);
    const reply = JSON.parse(value) as Requests[Op][1] & { error?: string };
    if (reply.error) throw new Error(`${op}: ${reply.error}`);
    return reply;
  }

  async close(): Promise<void> {
    this.child.stdin!.end();
    await this.exited;
  }
}

/**
 * A contender in a process of its own, spoken to in lines of JSON over its standard input and output; vectors and answers
 * travel in raw little-endian files. Which requests there are, a protocol says: flat-protocol.ts, hnsw/protocol.ts. Any
 * reply may be {"error"} instead. A contender ends when its input does. The other end: peers/serve.ts, peers/serving.py.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Requests and replies by the name of the operation; all protocols open alike. */
export type Protocol<P> = { readonly [Op in keyof P]: readonly [request: object, reply: object] } & {
  readonly open: readonly [request: Readonly<Record<string, unknown>>, reply: PeerInfo];
};

/** Bytes an index says that it holds, by part. */
export type MemoryParts = Readonly<Record<string, number>>;

/** What a contender says of itself when it opens: versions, threads, adapter. */
export interface PeerInfo {
  readonly [detail: string]: unknown;
  /** Present where the peer declines to run: why. */
  readonly skip?: string;
}

/** Wall and CPU seconds of one piece of work. */
export interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Contenders that run: whoever interrupts the bench does not wait for theirs. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill();
});

export class Peer<P extends Protocol<P>> {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly exited: Promise<string>;

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    running.add(this.child);
    this.child.once('exit', () => running.delete(this.child));
    this.exited = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(error.message));
      this.child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `code ${code}`}`));
    });
    this.child.stdin!.on('error', () => {}); // told by `exited`
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async ask<Op extends keyof P & string>(op: Op, request: P[Op][0]): Promise<P[Op][1]> {
    this.child.stdin!.write(`${JSON.stringify({ op, ...request })}\n`);
    const { done, value } = await this.lines.next();
    if (done) throw new Error(`${op}: the contender's process failed: ${await this.exited}`);
    const reply = JSON.parse(value) as P[Op][1] & { error?: string };
    if (reply.error) throw new Error(`${op}: ${reply.error}`);
    return reply;
  }

  /** Opens the contender. Where it cannot take part, closes it and says why. */
  async enter(
    request: P['open'][0],
    refuse: (info: PeerInfo) => string | undefined = () => undefined,
  ): Promise<{ info: PeerInfo } | { reason: string }> {
    let reason: string | undefined;
    try {
      const info = await this.ask('open', request);
      reason = info.skip ?? refuse(info);
      if (reason === undefined) return { info };
    } catch (error) {
      reason = (error as Error).message;
    }
    await this.close();
    return { reason };
  }

  async close(): Promise<void> {
    this.child.stdin!.end();
    await this.exited;
  }
}

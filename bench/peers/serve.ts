/** What contenders in Node share: their end of bench/peer.ts, and clocks. Run them with --expose-gc. */
import { createInterface } from 'node:readline';
import type { Protocol, Sample } from '../peer.ts';

export type Handlers<P extends Protocol<P>> = { readonly [Op in keyof P]: (request: P[Op][0]) => Promise<P[Op][1]> };

/** Answers every line of standard input until it ends. */
export async function serve<P extends Protocol<P>>(handlers: Handlers<P>): Promise<void> {
  process.stdout.on('error', () => process.exit()); // the bench was interrupted: nobody listens any more
  for await (const line of createInterface({ input: process.stdin })) {
    const { op, ...request } = JSON.parse(line);
    let reply: object;
    try {
      reply = await handlers[op as keyof P](request);
    } catch (error) {
      reply = { error: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}

/** Resident bytes after a collection: V8 gives array memory back a little later. */
export function resident(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** What some work takes, in the CPU seconds of all threads of this process too. */
export async function sampled(work: () => unknown): Promise<Sample> {
  const cpu = process.cpuUsage();
  const seconds = await timed(work);
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Seconds of `count` queries asked one by one, from the `first` on, around all `nq`. */
export async function oneByOne(first: number, count: number, nq: number, ask: (q: number) => unknown): Promise<number[]> {
  const seconds: number[] = [];
  for (let i = first; i < first + count; i++) seconds.push(await timed(() => ask(i % nq)));
  return seconds;
}

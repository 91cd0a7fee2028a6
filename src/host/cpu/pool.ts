import { IsodexError } from '../../util/errors.ts';
import { isNode, nodeModule } from '../../util/node-module.ts';
import source from './worker.ts?source';

/** One dispatch, as threads share it; see worker.ts. */
export interface PoolWork {
  readonly name: string;
  readonly args: readonly number[];
  readonly items: number;
  readonly grain: number;
  readonly counter: number;
}

interface Thread {
  /** Jobs that it has not answered yet. */
  busy: number;
  post(message: unknown): void;
  end(): void;
}

interface Pending {
  threads: Thread[];
  left: number;
  error?: string;
  settle(error?: Error): void;
}

/** Threads over one shared WebAssembly memory. They never keep a process alive while they have nothing to do. */
export class ThreadPool {
  private threads: Thread[] = [];
  private readonly pending = new Map<number, Pending>();
  private lastJob = 0;
  /** A thread died: no job can finish any more. */
  private broken: Error | undefined;

  /** Starts the threads; undefined where workers cannot start (a page that forbids `blob:`, say). */
  static async start(count: number, module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<ThreadPool | undefined> {
    const pool = new ThreadPool();
    try {
      const spawn = isNode() ? spawnNodeThread : spawnWebThread;
      const started = await Promise.allSettled(
        Array.from({ length: count }, () =>
          spawn(
            module,
            memory,
            (reply) => pool.receive(reply),
            (reason) => pool.fail(reason),
          ),
        ),
      );
      pool.threads = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      if (pool.threads.length === count) return pool;
    } catch {
      // no workers at all here
    }
    pool.close();
    return undefined;
  }

  get size(): number {
    return this.threads.length;
  }

  /**
   * Runs the works on the `width` threads that have least to do; resolves when all items are done. Threads do not wait for
   * each other between works, so several of them must depend on each other only if width is 1.
   */
  run(works: readonly PoolWork[], width: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.broken) return reject(this.broken);
      const id = ++this.lastJob;
      const threads = [...this.threads].sort((a, b) => a.busy - b.busy).slice(0, width);
      this.pending.set(id, { threads, left: threads.length, settle: (error) => (error ? reject(error) : resolve()) });
      for (const thread of threads) {
        thread.busy++;
        thread.post({ job: id, works });
      }
    });
  }

  close(): void {
    for (const thread of this.threads) thread.end();
    this.settleAll(new IsodexError('closed', 'the engine was closed during the call'));
  }

  private fail(reason: string): void {
    this.settleAll(new Error(`a thread of the CPU engine died: ${reason}`));
  }

  private settleAll(error: Error): void {
    this.broken ??= error;
    for (const job of this.pending.values()) job.settle(error);
    this.pending.clear();
  }

  private receive({ job, error }: { job: number; error?: string }): void {
    const pending = this.pending.get(job);
    if (!pending) return;
    if (error) pending.error = error;
    if (--pending.left > 0) return;
    this.pending.delete(job);
    for (const thread of pending.threads) thread.busy--;
    pending.settle(pending.error ? new Error(`a thread failed: ${pending.error}`) : undefined);
  }
}

type Receive = (reply: { job: number; error?: string }) => void;
type Fail = (reason: string) => void;

async function spawnNodeThread(module: WebAssembly.Module, memory: WebAssembly.Memory, receive: Receive, fail: Fail): Promise<Thread> {
  const { Worker } = nodeModule('node:worker_threads');
  const worker = new Worker(source, { eval: true, stdout: false, stderr: false });
  let busy = 0;
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (reply) => {
      if ('ready' in reply) return resolve();
      if (--busy === 0) worker.unref();
      receive(reply);
    });
    worker.postMessage({ module, memory });
  });
  worker.on('error', (error) => fail(String(error)));
  worker.on('exit', (code) => fail(`it exited with code ${code}`));
  worker.unref();
  return {
    busy: 0,
    post(message) {
      if (busy++ === 0) worker.ref();
      worker.postMessage(message);
    },
    end: () => void worker.terminate(),
  };
}

async function spawnWebThread(module: WebAssembly.Module, memory: WebAssembly.Memory, receive: Receive, fail: Fail): Promise<Thread> {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url);
  try {
    await new Promise<void>((resolve, reject) => {
      worker.onerror = reject;
      worker.onmessage = ({ data }) => ('ready' in data ? resolve() : receive(data));
      worker.postMessage({ module, memory });
    });
  } catch (error) {
    worker.terminate();
    throw error;
  } finally {
    URL.revokeObjectURL(url);
  }
  worker.onerror = (event) => fail(event.message);
  return { busy: 0, post: (message) => worker.postMessage(message), end: () => worker.terminate() };
}

/** Options that every slow call takes. */
export interface TaskOptions {
  /** Aborting rejects the call promptly with the signal's reason; nothing is half done. */
  signal?: AbortSignal | undefined;
  /** Called with the work done so far and the whole work, in units of the call (rows, queries). */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Lets timers, messages and aborts run between two slices of work; a resolved promise would not. */
export function nextTurn(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** Yields when `sliceMs` have gone by since the last yield, and throws the signal's reason once it is aborted. */
export class Breather {
  private last = performance.now();
  private readonly signal: AbortSignal | undefined;
  private readonly sliceMs: number;

  constructor(signal: AbortSignal | undefined, sliceMs = 25) {
    this.signal = signal;
    this.sliceMs = sliceMs;
    signal?.throwIfAborted();
  }

  async breathe(): Promise<void> {
    if (performance.now() - this.last >= this.sliceMs) {
      await nextTurn();
      this.last = performance.now();
    }
    this.signal?.throwIfAborted();
  }
}

/** Runs the tasks with at most `width` of them under way at once; the first failure rejects after the others stopped. */
export async function runInFlight(width: number, tasks: Iterable<() => Promise<void>>): Promise<void> {
  const queue = tasks[Symbol.iterator]();
  let failure: { error: unknown } | undefined;
  const lane = async () => {
    while (!failure) {
      const next = queue.next();
      if (next.done) return;
      try {
        await next.value();
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failure) throw failure.error;
}

/**
 * The work's outcome, or the signal's reason as soon as it is aborted: a device need not be waited for. The work goes on
 * until it looks at the signal itself, and cleans up behind it.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  work.catch(() => undefined); // after an abort nobody waits for it any more
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort!);
  }
}

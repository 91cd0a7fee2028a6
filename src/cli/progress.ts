/** A bar on the terminal for what takes longer than a second; nothing at all in pipes. */
import { SingleBar } from 'cli-progress';
import { formatDuration } from './table.ts';

const SHOW_AFTER_MS = 1000;

/** The work that the first n steps take, in any unit. */
type Work = (n: number) => number;

/** Linking a row takes longer the more rows there are: by the logarithm, and by memory that is farther away. Measured. */
export const graphWork: Work = (n) => n ** 1.2;

/** What is left of `total` steps at the pace of those from `first` to `done`; NaN before there was any. */
export function timeLeft(ms: number, first: number, done: number, total: number, work: Work): number {
  return (ms * (work(total) - work(done))) / (work(done) - work(first));
}

export class Progress {
  private readonly started = performance.now();
  private readonly title: string;
  private readonly work: Work;
  private bar: SingleBar | undefined;
  /** Where it stood when it was first heard of, which is when its time began. */
  private first: { readonly done: number; readonly at: number } | undefined;

  /** `work`: where steps are not alike. */
  constructor(title: string, work: Work = (n) => n) {
    this.title = title;
    this.work = work;
  }

  /** Fits `onProgress` of every slow call. Without a total only a count is shown. */
  readonly update = (done: number, total?: number): void => {
    if (!process.stderr.isTTY) return;
    const now = performance.now();
    this.first ??= { done, at: now };
    if (now - this.started < SHOW_AFTER_MS) return;
    const left = total === undefined ? '' : this.leftOf(done, total, now);
    if (!this.bar) {
      this.bar = makeBar(total === undefined ? '{title} {value}' : '{title} {bar} {percentage}% | {value} of {total}{left}');
      this.bar.start(total ?? 0, done, { title: this.title, left });
    }
    if (total !== undefined) this.bar.setTotal(total);
    this.bar.update(done, { left });
  };

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  private leftOf(done: number, total: number, now: number): string {
    const ms = timeLeft(now - this.first!.at, this.first!.done, done, total, this.work);
    return Number.isFinite(ms) ? ` | about ${formatDuration(ms / 1000)} left` : '';
  }
}

function makeBar(format: string): SingleBar {
  return new SingleBar({
    format,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false, // Ctrl-C is perform.ts's
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    fps: 5,
  });
}

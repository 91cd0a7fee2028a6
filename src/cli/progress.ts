/** A bar on the terminal for what takes longer than a second; nothing at all in pipes. */
import { SingleBar } from 'cli-progress';

const SHOW_AFTER_MS = 1000;

export class Progress {
  private readonly started = performance.now();
  private readonly title: string;
  private bar: SingleBar | undefined;

  constructor(title: string) {
    this.title = title;
  }

  /** Fits `onProgress` of every slow call. Without a total only a count is shown. */
  readonly update = (done: number, total?: number): void => {
    if (!process.stderr.isTTY || performance.now() - this.started < SHOW_AFTER_MS) return;
    if (!this.bar) {
      this.bar = makeBar(
        total === undefined ? '{title} {value}' : '{title} {bar} {percentage}% | {value} of {total} | {eta_formatted} left',
      );
      this.bar.start(total ?? 0, done, { title: this.title });
    }
    if (total !== undefined) this.bar.setTotal(total);
    this.bar.update(done);
  };

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
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

/** Runs a command: errors as one line, Ctrl-C as an abort, a closed pipe as the end. */

import { styleText } from 'node:util';
import { IsodexError } from '../names.ts';

export interface Task {
  /** Aborts when the user presses Ctrl-C. */
  readonly signal: AbortSignal;
}

/** What Ctrl-C makes of a call: shells know it as 128 + SIGINT. */
const INTERRUPTED = 130;
/** A call that does not heed its signal within this time is left behind. */
const PATIENCE_MS = 5000;

/** Runs a command to its end and sets the exit code: what it returns, 0, or 1 after an error. */
export async function perform(command: (task: Task) => Promise<number | undefined>): Promise<void> {
  const interrupted = new AbortController();
  const onInterrupt = () => {
    if (interrupted.signal.aborted) leaveBehind(interrupted.signal.reason);
    interrupted.abort(new Error('interrupted'));
    setTimeout(leaveBehind, PATIENCE_MS, interrupted.signal.reason).unref();
  };
  process.on('SIGINT', onInterrupt);
  endWithTheReader();
  const notes = holdNotes();
  try {
    process.exitCode = (await command({ signal: interrupted.signal })) ?? 0;
    for (const note of notes) process.stderr.write(`${styleText('dim', note, { stream: process.stderr })}\n`);
  } catch (error) {
    report(error);
    // A read that cannot be called back would keep the process alive after an interrupt.
    if (interrupted.signal.aborted) process.exit(INTERRUPTED);
    process.exitCode = 1;
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

/** Ends the process while the call still goes on; a bar that it drew may have hidden the cursor. */
function leaveBehind(reason: unknown): never {
  if (process.stderr.isTTY) process.stderr.write('\n\u001b[?25h');
  report(reason);
  process.exit(INTERRUPTED);
}

function report(error: unknown): void {
  if (process.env.ISODEX_DEBUG === '1') console.error(error);
  const message = error instanceof Error ? error.message : String(error);
  // Ours have lines where they point at something; whatever else comes is told in one.
  process.stderr.write(`isodex: ${error instanceof IsodexError ? message : message.replace(/\s*\n\s*/g, ' ')}\n`);
}

/** The library's warnings, to be said when the command has succeeded: a failure is told in one line. */
function holdNotes(): readonly string[] {
  const notes: string[] = [];
  console.warn = (text: unknown) => void notes.push(String(text));
  return notes;
}

/** `isodex … | head` closes our output early, which is no error. */
function endWithTheReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      throw error;
    });
  }
}

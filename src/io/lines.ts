import { badFile } from '../util/errors.ts';
import { byteStream, isGzipped } from './byte-stream.ts';

/** A line longer than this is a file of another kind, and would fill the memory before that shows. */
const LARGEST_LINE = 1 << 26;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BOM = '\uFEFF';

/** Bytes of lines, without their line ends; the last line counts with or without one. */
async function* splitLines(path: string): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let line = 1;
  for await (const bytes of byteStream(path, await isGzipped(path))) {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const last = bytes.subarray(start, end);
      yield heldBytes > 0 ? Buffer.concat([...held, last]) : last;
      held = [];
      heldBytes = 0;
      start = end + 1;
      line++;
    }
    if (start < bytes.length) held.push(bytes.subarray(start));
    heldBytes += bytes.length - start;
    if (heldBytes > LARGEST_LINE)
      throw badFile(`${path}: line ${line} is longer than ${LARGEST_LINE} bytes: the file is not made of lines`);
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

/**
 * The lines of a UTF-8 text file, gzipped or not, without line ends (LF or CRLF) and without a byte order mark.
 *
 * @throws IsodexError `bad-file` when the file cannot be read, is empty, or a line is not UTF-8
 */
export async function* textLines(path: string): AsyncGenerator<{ text: string; line: number }> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 0;
  for await (const bytes of splitLines(path)) {
    line++;
    const whole = bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
    let text: string;
    try {
      text = decoder.decode(whole);
    } catch (cause) {
      throw badFile(`${path}: line ${line} is not UTF-8 text: convert the file to UTF-8`, { cause });
    }
    yield { text: line === 1 && text.startsWith(BOM) ? text.slice(1) : text, line };
  }
}

/**
 * The lines of a text file, one key a line (`--ids FILE`). A line end after the last line is ignored; empty lines in between are kept.
 *
 * @throws IsodexError `bad-file` when the file cannot be read, is empty, or a line is not UTF-8
 */
export async function readLines(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const { text } of textLines(path)) lines.push(text);
  return lines;
}

import type { PageHeader } from 'hyparquet';

/** What a page of a column of lists looks like once it is unpacked. */
export interface PageLayout {
  /** The page: repetition levels, definition levels, values. */
  bytes: Uint8Array;
  header: PageHeader;
  /** The definition level of a value that is there. */
  full: number;
}

/** Packed runs come in groups of 8, and writers fill up the last ones: DuckDB to 256 numbers. Beyond this it is damage. */
const LARGEST_PADDING = 1 << 16;

/** Reads the variable-length integer at `at`; at most 32 bits, and before `end`. */
function readVarInt(bytes: Uint8Array, at: number, end: number): { value: number; next: number } {
  let value = 0;
  for (let factor = 1; at < end && factor <= 2 ** 28; factor *= 128) {
    const byte = bytes[at++]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, next: at };
  }
  throw new Error('a run passes the end of its page');
}

/**
 * Walks over the run headers of Parquet's RLE/bit-packed hybrid in bytes start..end without decoding them.
 *
 * @throws Error when they hold more than `count` numbers of `width` bits (and padding) or, where `isExact`, fewer
 */
export function checkRuns(bytes: Uint8Array, start: number, end: number, width: number, count: number, isExact: boolean): void {
  let at = start;
  let left = count;
  while (left > 0 && (isExact || at < end)) {
    const { value, next } = readVarInt(bytes, at, end);
    const isPacked = value % 2 === 1;
    const run = Math.floor(value / 2) * (isPacked ? 8 : 1);
    if (run > left + (isPacked ? LARGEST_PADDING : 0)) throw new Error(`a run of ${run} numbers where ${left} are missing`);
    left -= run;
    at = next + (isPacked ? (run / 8) * width : Math.ceil(width / 8));
  }
}

/** Where the levels of a page lie: from, to and where the next thing begins. */
function levelRanges({ bytes, header }: PageLayout): { repetition: [number, number]; definition: [number, number]; values: number } {
  const second = header.data_page_header_v2;
  if (second) {
    const middle = second.repetition_levels_byte_length;
    const values = middle + second.definition_levels_byte_length;
    return { repetition: [0, middle], definition: [middle, values], values };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const middle = 4 + view.getUint32(0, true);
  const values = middle + 4 + view.getUint32(middle, true);
  return { repetition: [4, middle], definition: [middle + 4, values], values };
}

/**
 * Checks the lengths of all runs of a page. hyparquet trusts them: a damaged one would keep it writing numbers for hours.
 *
 * @throws Error where a run is longer than the page has values
 */
export function checkPage(layout: PageLayout): void {
  const { bytes, header, full } = layout;
  const { num_values: count, encoding } = (header.data_page_header_v2 ?? header.data_page_header)!;
  const { repetition, definition, values } = levelRanges(layout);
  if (values > bytes.length) throw new Error(`levels of ${values} bytes in a page of ${bytes.length}`);
  checkRuns(bytes, ...repetition, 1, count, true);
  checkRuns(bytes, ...definition, 32 - Math.clz32(full), count, true);
  if (!encoding.endsWith('_DICTIONARY') || values === bytes.length) return;
  const width = bytes[values]!;
  if (width > 32) throw new Error(`dictionary indices of ${width} bits`);
  checkRuns(bytes, values + 1, bytes.length, width, count, false);
}

import * as zlib from 'node:zlib';
import type { ColumnMetaData, Compressors, DataReader, DecodedArray, PageHeader, SchemaTree } from 'hyparquet';
import { badFile, IsodexError } from '../util/errors.ts';
import { checkPage, type PageLayout } from './parquet-runs.ts';
import type { RandomFile } from './random-file.ts';

/** Headers of pages are far smaller than this unless they carry long statistics. */
const HEADER_WINDOW = 1 << 14;

/** One page of a column of lists: its values, and per value whether it begins a row (0) or continues one (1). */
export interface ListPage {
  values: DecodedArray;
  /** One per value or null. */
  repetitionLevels: readonly number[];
  /** Index of the first null (a null row, an empty row or a null in a row), or -1. */
  firstNull: number;
}

/** A column of lists: the nodes from the root of the schema to its leaf. */
export interface ListColumn {
  name: string;
  schemaPath: SchemaTree[];
}

/** What is decompressed here instead of in hyparquet, which knows Snappy only; Zstandard from Node 22.15 on. */
function compressors(): Compressors {
  const limit = (maxOutputLength: number) => ({ maxOutputLength: Math.max(1, maxOutputLength) });
  const known: Compressors = {
    GZIP: (bytes, length) => zlib.gunzipSync(bytes, limit(length)),
    BROTLI: (bytes, length) => zlib.brotliDecompressSync(bytes, limit(length)),
  };
  if (typeof zlib.zstdDecompressSync === 'function') known.ZSTD = (bytes, length) => zlib.zstdDecompressSync(bytes, limit(length));
  return known;
}

/**
 * The parts of hyparquet that decode one page. Its public functions decode whole row groups into arrays of arrays, and a row group
 * as pandas writes it by default has a million rows: more than fits into memory. Its package.json exports these modules too.
 */
async function loadDecoder() {
  const [column, page, convert] = await Promise.all([
    import('hyparquet/src/column.js'),
    import('hyparquet/src/datapage.js'),
    import('hyparquet/src/convert.js'),
  ]);
  return { ...column, ...page, ...convert };
}

type Decoder = Awaited<ReturnType<typeof loadDecoder>>;
type DecoderOptions = Parameters<Decoder['readPage']>[2];

function decoderOptions(decoder: Decoder, column: ListColumn, meta: ColumnMetaData): DecoderOptions {
  const { path_in_schema: pathInSchema, type, codec } = meta;
  const element = column.schemaPath.at(-1)!.element;
  return {
    pathInSchema,
    type,
    codec,
    element,
    schemaPath: column.schemaPath,
    parsers: decoder.DEFAULT_PARSERS,
    compressors: compressors(),
  };
}

/** The header of the page at `at` and its length in bytes. */
async function readHeader(decoder: Decoder, file: RandomFile, at: number, end: number): Promise<{ header: PageHeader; length: number }> {
  for (let window = HEADER_WINDOW; ; window *= 16) {
    const bytes = await file.read(at, Math.min(window, end - at));
    const reader: DataReader = { view: new DataView(bytes.buffer), offset: 0 };
    try {
      const header = decoder.parquetHeader(reader);
      return { header, length: reader.offset };
    } catch (error) {
      if (at + window >= end) throw error;
    }
  }
}

/** Where the column's pages lie in the file. */
function pageRange(file: RandomFile, meta: ColumnMetaData): { start: number; end: number } {
  const data = Number(meta.data_page_offset);
  const dictionary = Number(meta.dictionary_page_offset ?? 0);
  const start = dictionary > 0 ? Math.min(dictionary, data) : data;
  const end = start + Number(meta.total_compressed_size);
  if (start < 4 || end > file.size) {
    throw badFile(
      `${file.path} is ${file.size} bytes, and its footer says that a column lies in bytes ${start} to ${end}: the file is corrupted`,
    );
  }
  return { start, end };
}

/** A page with everything in it decompressed, and the header to go with that. */
function unpackPage(decoder: Decoder, options: DecoderOptions, header: PageHeader, bytes: Uint8Array): PageLayout {
  const { codec, compressors, schemaPath } = options;
  const full = schemaPath.slice(1).filter(({ element }) => element.repetition_type !== 'REQUIRED').length;
  const second = header.data_page_header_v2;
  if (!second) return { bytes: decoder.decompressPage(bytes, header.uncompressed_page_size, codec, compressors), header, full };
  if (!second.is_compressed || codec === 'UNCOMPRESSED') return { bytes, header, full };
  // Of this kind of page only the values are compressed.
  const levels = second.repetition_levels_byte_length + second.definition_levels_byte_length;
  const values = decoder.decompressPage(bytes.subarray(levels), header.uncompressed_page_size - levels, codec, compressors);
  const plain = { ...header, data_page_header_v2: { ...second, is_compressed: false } };
  return { bytes: Uint8Array.from(Buffer.concat([bytes.subarray(0, levels), values])), header: plain, full };
}

function decodePage(decoder: Decoder, options: DecoderOptions, layout: PageLayout, dictionary: DecodedArray | undefined): ListPage {
  checkPage(layout);
  const { bytes, header, full } = layout;
  const first = header.data_page_header;
  const page = first ? decoder.readDataPage(bytes, first, options) : decoder.readDataPageV2(bytes, header, options);
  const { encoding } = (first ?? header.data_page_header_v2)!;
  const values = decoder.convertWithDictionary(page.dataPage, dictionary, encoding, options);
  const { repetitionLevels, definitionLevels } = page;
  const firstNull = definitionLevels?.findIndex((level) => level !== full) ?? -1;
  if (firstNull < 0 && values.length !== repetitionLevels.length) {
    throw new Error(`a page has ${values.length} values and ${repetitionLevels.length} levels`);
  }
  return { values, repetitionLevels, firstNull };
}

/** @throws Error when the page is none of a column's values, or has more of them than the column has left */
function checkHeader(header: PageHeader, left: number): void {
  const count = (header.data_page_header_v2 ?? header.data_page_header)?.num_values;
  if (count === undefined) throw new Error(`page type ${header.type} is not known`);
  if (!(count >= 0 && count <= left)) throw new Error(`a page has ${count} values and its column ${left} more`);
}

/** What went wrong inside hyparquet, with the file's name. */
function decodingError(path: string, error: unknown): Error {
  if (error instanceof IsodexError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const advice = message.includes('codec')
    ? ': write it with Snappy, Zstandard or gzip compression'
    : ': the file is corrupted or of a kind that is not read';
  return badFile(`cannot read ${path} as Parquet (${message})${advice}`, { cause: error });
}

/**
 * The pages of one column in one row group, one after another, so that memory holds one page at a time.
 *
 * @throws IsodexError `bad-file` when a page is damaged or compressed in a way that is not known
 */
export async function* columnPages(file: RandomFile, column: ListColumn, meta: ColumnMetaData): AsyncGenerator<ListPage> {
  const { start, end } = pageRange(file, meta);
  const total = Number(meta.num_values);
  try {
    const decoder = await loadDecoder();
    const options = decoderOptions(decoder, column, meta);
    let dictionary: DecodedArray | undefined;
    let seen = 0;
    for (let at = start; at < end && seen < total; ) {
      const { header, length } = await readHeader(decoder, file, at, end);
      const size = header.compressed_page_size;
      if (!(size >= 0) || at + length + size > end)
        throw new Error(`a page of ${size} bytes at byte ${at} passes the end of its column, ${end}`);
      const bytes = await file.read(at + length, size);
      at += length + size;
      if (header.type === 'DICTIONARY_PAGE') {
        const { data } = decoder.readPage({ view: new DataView(bytes.buffer), offset: 0 }, header, options, undefined, undefined, 0);
        dictionary = decoder.convert(data ?? [], options);
        continue;
      }
      checkHeader(header, total - seen);
      const page = decodePage(decoder, options, unpackPage(decoder, options, header, bytes), dictionary);
      seen += page.repetitionLevels.length;
      yield page;
    }
    if (seen !== total) throw new Error(`a column has ${seen} values and its footer says ${total}`);
  } catch (error) {
    throw decodingError(file.path, error);
  }
}

import type { AsyncBuffer, FileMetaData, RowGroup, SchemaTree } from 'hyparquet';
import { badFile, IsodexError } from '../util/errors.ts';
import { columnPages, type ListColumn, type ListPage } from './parquet-pages.ts';
import { onFile, type RandomFile } from './random-file.ts';
import type { RowReader } from './row-reader.ts';

const MAGIC = 'PAR1';
/** Magic, footer length and magic again: a file cannot be shorter. */
const LEAST_BYTES = 12;

/** A column that can be read as vectors, with the type of its numbers. */
interface VectorColumn extends ListColumn {
  dtype: string;
}

/** @throws IsodexError `bad-file` when the file does not begin and end as Parquet does */
async function checkEnds(file: RandomFile): Promise<void> {
  const { path, size } = file;
  const head = Buffer.from(await file.head(4)).toString('latin1');
  if (head === 'PARE') throw badFile(`${path} is encrypted Parquet, which is not read: decrypt it first`);
  if (head !== MAGIC.slice(0, head.length)) throw badFile(`${path} does not begin with PAR1: it is not a Parquet file`);
  if (size < LEAST_BYTES)
    throw badFile(`${path} is ${size} bytes, and the smallest Parquet file has ${LEAST_BYTES}: the file is truncated`);
  const tail = await file.read(size - 8, 8);
  if (Buffer.from(tail.subarray(4)).toString('latin1') !== MAGIC) throw badFile(`${path} does not end with PAR1: the file is truncated`);
  const footer = new DataView(tail.buffer).getUint32(0, true);
  if (footer + LEAST_BYTES > size)
    throw badFile(`${path} is ${size} bytes, and its footer alone says that it has ${footer}: the file is corrupted`);
}

async function readFooter(file: RandomFile): Promise<{ metadata: FileMetaData; schema: SchemaTree }> {
  await checkEnds(file);
  const { parquetMetadataAsync, parquetSchema } = await import('hyparquet');
  const buffer: AsyncBuffer = {
    byteLength: file.size,
    slice: async (start, end = file.size) => (await file.read(start, end - start)).buffer,
  };
  try {
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    return { metadata, schema: parquetSchema(metadata) };
  } catch (error) {
    if (error instanceof IsodexError) throw error;
    throw badFile(`${file.path}: its Parquet footer is corrupted (${(error as Error).message})`, { cause: error });
  }
}

/** The type of a leaf's numbers; undefined for dates, text and the like. */
function numberType({ element }: SchemaTree): string | undefined {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (type === 'FLOAT') return 'f32';
  if (type === 'DOUBLE') return 'f64';
  if (logical?.type === 'FLOAT16') return 'f16';
  if (type !== 'INT32' && type !== 'INT64') return undefined;
  const width = /^(U?)INT_(\d+)$/.exec(converted ?? '');
  if (width) return `${width[1] ? 'u' : 'i'}${width[2]}`;
  if (logical?.type === 'INTEGER') return `${logical.isSigned ? 'i' : 'u'}${logical.bitWidth}`;
  return converted === undefined && logical === undefined ? type.toLowerCase().replace('int', 'i') : undefined;
}

/** The name of a column of lists: its path without the levels that only encode the list. */
function listName(path: SchemaTree[], repeated: number): string {
  const parent = path[repeated - 1]!;
  const isWrapped = parent.element.converted_type === 'LIST' || parent.element.logical_type?.type === 'LIST';
  return path[isWrapped ? repeated - 1 : repeated]!.path.join('.');
}

/** Every column whose rows are lists of numbers, in the order of the file. */
function vectorColumns(node: SchemaTree, above: SchemaTree[] = []): VectorColumn[] {
  const schemaPath = [...above, node];
  if (node.children.length > 0) return node.children.flatMap((child) => vectorColumns(child, schemaPath));
  const repeated = schemaPath.flatMap(({ element }, depth) => (element.repetition_type === 'REPEATED' ? [depth] : []));
  const dtype = numberType(node);
  // A list of structs has several leaves below its repeated level; each would look like a list by itself.
  const isPlain = repeated.length === 1 && schemaPath.slice(repeated[0]).every(({ children }) => children.length <= 1);
  return dtype && isPlain ? [{ name: listName(schemaPath, repeated[0]!), schemaPath, dtype }] : [];
}

/** The column that the caller names, else the first with floats, else the first with integers. */
function choose(path: string, schema: SchemaTree, name: string | undefined): VectorColumn {
  const columns = vectorColumns(schema);
  const chosen =
    name === undefined
      ? (columns.find(({ dtype }) => dtype.startsWith('f')) ?? columns[0])
      : columns.find((column) => column.name === name);
  if (chosen) return chosen;
  const lists = columns.map((column) => column.name).join(', ') || 'none';
  const all = schema.children.map(({ element }) => element.name).join(', ');
  const problem = name === undefined ? 'has no column' : `has no column ${name}`;
  throw badFile(`${path} ${problem} of lists of numbers; such columns are: ${lists} (all columns: ${all})`);
}

/**
 * The values of a page as f32.
 *
 * @throws IsodexError `bad-file` when one is no number, or an integer that f32 does not hold
 */
function toFloats(path: string, column: VectorColumn, { values }: ListPage): Float32Array {
  if (values instanceof Float32Array) return values.slice();
  const floats = new Float32Array(values.length);
  const isExact = !column.dtype.startsWith('f');
  for (let i = 0; i < values.length; i++) {
    const value: unknown = values[i];
    if (typeof value !== 'number' && typeof value !== 'bigint')
      throw badFile(`${path}: column ${column.name} has a value that is not a number: the file is corrupted`);
    floats[i] = Number(value);
    if (isExact && floats[i] !== Number(value)) {
      throw badFile(`${path}: column ${column.name} has ${value}, which 32-bit floats cannot hold exactly: store the vectors as floats`);
    }
  }
  return floats;
}

/** Checks that rows have equal lengths, across pages and row groups. */
class RowCounter {
  /** Rows that have begun. */
  rows = 0;
  /** Numbers in the row that began last. */
  inRow = 0;
  readonly #path: string;
  readonly #dim: number;

  constructor(path: string, dim: number) {
    this.#path = path;
    this.#dim = dim;
  }

  add({ repetitionLevels, firstNull }: ListPage): void {
    for (let i = 0; i < repetitionLevels.length; i++) {
      if (repetitionLevels[i] === 0) {
        this.endRow();
        this.rows++;
        this.inRow = 0;
      }
      if (i === firstNull)
        throw badFile(`${this.#path}: row ${this.rows - 1} is null or empty or has a null in it: leave such rows out of the file`);
      this.inRow++;
    }
  }

  endRow(): void {
    if (this.rows === 0 || this.inRow === this.#dim) return;
    throw badFile(`${this.#path}: row ${this.rows - 1} has ${this.inRow} numbers, and the first row has ${this.#dim}; all must be equal`);
  }
}

/** The pages of the column, row group after row group. */
async function* allPages(file: RandomFile, groups: readonly RowGroup[], column: VectorColumn): AsyncGenerator<ListPage> {
  const wanted = column.schemaPath.at(-1)!.path.join('.');
  for (const group of groups) {
    const meta = group.columns.find((chunk) => chunk.meta_data?.path_in_schema.join('.') === wanted)?.meta_data;
    if (!meta) throw badFile(`${file.path}: a row group lacks column ${column.name}: the file is corrupted`);
    if (Number(group.num_rows) > 0) yield* columnPages(file, column, meta);
  }
}

/** The length of the first row, which may go over several pages. */
async function firstLength(path: string, pages: AsyncIterable<ListPage>): Promise<number> {
  let length = 0;
  for await (const { repetitionLevels, firstNull } of pages) {
    const next = repetitionLevels.indexOf(0, length === 0 ? 1 : 0);
    const end = next < 0 ? repetitionLevels.length : next;
    if (firstNull >= 0 && firstNull < end)
      throw badFile(`${path}: row 0 is null or empty or has a null in it: leave such rows out of the file`);
    length += end;
    if (next >= 0) break;
  }
  if (length === 0) throw badFile(`${path} has no rows, so nothing tells the dimension of its vectors`);
  return length;
}

/** Whole rows from pages, whose ends need not be ends of rows. */
async function* wholeRows(
  path: string,
  pages: AsyncIterable<ListPage>,
  column: VectorColumn,
  dim: number,
  size: number,
): AsyncGenerator<Float32Array> {
  const counter = new RowCounter(path, dim);
  let rest = new Float32Array(0);
  for await (const page of pages) {
    counter.add(page);
    const floats = toFloats(path, column, page);
    const joined = new Float32Array(rest.length + floats.length);
    joined.set(rest);
    joined.set(floats, rest.length);
    const whole = Math.floor(joined.length / dim) * dim;
    rest = joined.slice(whole);
    if (whole > 0) yield whole === joined.length ? joined : joined.slice(0, whole);
  }
  counter.endRow();
  if (counter.rows !== size) throw badFile(`${path} has ${counter.rows} rows, and its footer says ${size}: the file is corrupted`);
}

/**
 * A column of lists (or fixed-size lists) of numbers of a Parquet file: the one named, else the first.
 *
 * @throws IsodexError `bad-file` when the file is truncated or not Parquet, or has no such column (the error lists those there are)
 */
export function openParquet(path: string, part: string | undefined): Promise<RowReader> {
  return onFile(path, async (file) => {
    const { metadata, schema } = await readFooter(file);
    const column = choose(path, schema, part);
    const pages = (): AsyncGenerator<ListPage> => allPages(file, metadata.row_groups, column);
    const size = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
    const dim = await firstLength(path, pages());
    return {
      path,
      format: 'parquet',
      dtype: column.dtype,
      dim,
      size,
      pieces: () => wholeRows(path, pages(), column, dim, size),
      close: () => file.close(),
    };
  });
}

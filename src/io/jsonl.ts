import { badFile } from '../util/errors.ts';
import { textLines } from './lines.ts';
import type { RowReader } from './row-reader.ts';

/** Fields that hold the vector where the caller names none. */
const DEFAULT_FIELDS = ['vector', 'embedding'];

/** The value of a line: parsed JSON. */
function parse(path: string, text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badFile(`${path}: line ${line} is not JSON (${(cause as Error).message})`, { cause });
  }
}

/** The array of numbers in a line's value: the value itself, or one of its fields. */
function vectorOf(path: string, value: unknown, line: number, fields: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) {
    throw badFile(
      `${path}: line ${line} is ${JSON.stringify(value).slice(0, 40)}, and an object with a vector or an array of numbers is expected`,
    );
  }
  const field = fields.find((name) => Object.hasOwn(value, name));
  if (field === undefined) {
    const wanted = fields.map((name) => `"${name}"`).join(' or ');
    const found = Object.keys(value).slice(0, 20).join(', ') || 'none';
    throw badFile(`${path}: line ${line} has no field ${wanted}; its fields are: ${found}. Choose one with ${path}#FIELD`);
  }
  const vector = (value as Record<string, unknown>)[field];
  if (Array.isArray(vector)) return vector;
  throw badFile(`${path}: line ${line}: field "${field}" is not an array of numbers`);
}

/** A row of the file: its numbers, not yet checked, and the line it stands in. */
interface Row {
  numbers: unknown[];
  line: number;
}

/** The rows of the file; lines of white space are passed over. */
async function* rows(path: string, fields: readonly string[]): AsyncGenerator<Row> {
  for await (const { text, line } of textLines(path)) {
    if (text.trim() === '') continue;
    yield { numbers: vectorOf(path, parse(path, text, line), line, fields), line };
  }
}

/** Writes one row to `target` at `at`. */
function store(path: string, row: Row, dim: number, target: Float32Array, at: number): void {
  const { numbers, line } = row;
  if (numbers.length !== dim)
    throw badFile(`${path}: line ${line} has ${numbers.length} numbers, and the lines before it have ${dim}; all must be equal`);
  for (let i = 0; i < dim; i++) {
    const value = numbers[i];
    if (typeof value !== 'number')
      throw badFile(`${path}: line ${line}, column ${i} is ${JSON.stringify(value).slice(0, 40)}, which is not a number`);
    target[at + i] = value;
  }
}

/** The number of numbers in the first row. */
async function firstLength(path: string, fields: readonly string[]): Promise<number> {
  for await (const { numbers, line } of rows(path, fields)) {
    if (numbers.length === 0) throw badFile(`${path}: line ${line} has a vector of dimension 0, which must be at least 1`);
    return numbers.length;
  }
  throw badFile(`${path} has no lines with vectors: each line is an object with a vector, or an array of numbers`);
}

async function* piecesOf(path: string, fields: readonly string[], dim: number, wanted: number): AsyncGenerator<Float32Array> {
  // How many rows come is not known: a piece is allocated for 4 MiB at most, however many rows the caller would like.
  const count = Math.min(wanted, Math.max(1, Math.floor((1 << 20) / dim)));
  let piece = new Float32Array(count * dim);
  let filled = 0;
  for await (const row of rows(path, fields)) {
    store(path, row, dim, piece, filled);
    filled += dim;
    if (filled < piece.length) continue;
    yield piece;
    piece = new Float32Array(count * dim);
    filled = 0;
  }
  if (filled > 0) yield piece.slice(0, filled);
}

/**
 * JSON Lines, gzipped or not: each line is an array of numbers, or an object with one in `field` (by default `vector`, else `embedding`).
 *
 * @throws IsodexError `bad-file` at the first line that has no vector, or later while reading, with the number of the line
 */
export async function openJsonl(path: string, field: string | undefined): Promise<RowReader> {
  const fields = field === undefined ? DEFAULT_FIELDS : [field];
  const dim = await firstLength(path, fields);
  return {
    path,
    format: 'jsonl',
    dtype: 'f64',
    dim,
    size: undefined,
    pieces: (wanted) => piecesOf(path, fields, dim, wanted),
    close: async () => undefined,
  };
}

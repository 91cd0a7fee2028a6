/**
 * The index file. Its body is the same for the same rows, description and seed, on every engine and machine:
 *
 *   'ISODEX01' · u32 bytes of the header · u32 zero · header (JSON, spaces up to a multiple of 64 bytes from the start)
 *   · sections in the header's order, each padded with zeros to a multiple of 64 · SHA-256 of all bytes before it
 *
 * Optional sections may follow (optional-sections.ts), which say nothing of rows.
 *
 * All numbers are little-endian. The header names the format's version, what the index is, and its sections.
 */
import { type ArrayOf, BYTES, type Dtype, type TypedArray } from '../kernels/kernel.ts';
import { badFile } from '../util/errors.ts';
import { roundUp } from '../util/math.ts';
import { createHasher, toHex } from '../util/sha256.ts';
import type { ByteSource } from './byte-source.ts';
import { type OptionalSections, readOptionalSections } from './optional-sections.ts';

const MAGIC = 'ISODEX01';
const ALIGNMENT = 64;
const DIGEST_BYTES = 32;
const PIECE_BYTES = 2 ** 22;

export interface Section {
  readonly name: string;
  readonly dtype: Dtype;
  readonly length: number;
}

/** A section that is to be written: its arrays, one after the other, are asked for when its turn comes. */
export interface SectionContent extends Section {
  readonly arrays: () => AsyncIterable<TypedArray> | Iterable<TypedArray>;
}

/** What the header says; `state` is the index's own. */
export interface Header {
  readonly description: string;
  readonly dim: number;
  readonly metric: string;
  readonly seed: number;
  readonly state: Readonly<Record<string, number>>;
  readonly sections: readonly Section[];
}

/** The bytes of an index file, piece by piece. */
export async function* writeBody(header: Omit<Header, 'sections'>, contents: readonly SectionContent[]): AsyncGenerator<Uint8Array> {
  const hasher = createHasher();
  const put = (bytes: Uint8Array) => {
    hasher.update(bytes);
    return bytes;
  };
  const sections = contents.map(({ name, dtype, length }) => ({ name, dtype, length }));
  yield put(headerBytes({ ...header, sections }));
  for (const { name, dtype, length, arrays } of contents) {
    let written = 0;
    for await (const array of arrays()) {
      yield put(new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice());
      written += array.byteLength;
    }
    const bytes = length * BYTES[dtype];
    if (written !== bytes) throw new Error(`section ${name} has ${written} bytes, its header says ${bytes}`);
    if (bytes % ALIGNMENT) yield put(new Uint8Array(roundUp(bytes, ALIGNMENT) - bytes));
  }
  yield hasher.digest();
}

/** Bytes of the index file with this header. */
export function fileBytesOf(header: Header): number {
  return headerBytes(header).byteLength + sectionBytes(header.sections) + DIGEST_BYTES;
}

/** Bytes of sections, padded. */
export function sectionBytes(sections: readonly Section[]): number {
  return sections.reduce((sum, { dtype, length }) => sum + roundUp(length * BYTES[dtype], ALIGNMENT), 0);
}

function headerBytes(header: Header): Uint8Array {
  const text = JSON.stringify({ format: 1, ...header });
  const json = new TextEncoder().encode(text);
  const total = roundUp(16 + json.length, ALIGNMENT);
  const bytes = new Uint8Array(total).fill(0x20);
  bytes.set(new TextEncoder().encode(MAGIC));
  new DataView(bytes.buffer).setUint32(8, total - 16, true);
  new DataView(bytes.buffer).setUint32(12, 0, true);
  bytes.set(json, 16);
  return bytes;
}

/** Reads a body from front to back, hashing as it goes. Nothing it gave may be trusted before `finish` has returned. */
export class BodyReader {
  readonly header: Header;
  /** What follows the body, by name. */
  readonly optional: OptionalSections;
  private readonly source: ByteSource;
  private readonly hasher = createHasher();
  private offset: number;
  private nextSection = 0;

  private constructor(source: ByteSource, header: Header, head: Uint8Array, optional: OptionalSections) {
    this.source = source;
    this.header = header;
    this.optional = optional;
    this.offset = head.byteLength;
    this.hasher.update(head);
  }

  /** Throws 'bad-file' where the source is no index file, is of another version, is too short, or has what belongs in none behind it. */
  static async open(source: ByteSource): Promise<BodyReader> {
    const start = await source.read(0, 16);
    if (start.byteLength < 16 || new TextDecoder().decode(start.subarray(0, 8)) !== MAGIC) {
      throw badFile(`${source.name} is not an Isodex index: it does not start with ${MAGIC}`);
    }
    const length = new DataView(start.buffer, start.byteOffset).getUint32(8, true);
    if ((16 + length) % ALIGNMENT || 16 + length + DIGEST_BYTES > source.size) {
      throw badFile(`${source.name} is damaged or cut off: its header should have ${length} bytes, the file has ${source.size}`);
    }
    const head = await source.read(0, 16 + length);
    const header = parseHeader(source.name, head.subarray(16));
    const end = head.byteLength + sectionBytes(header.sections) + DIGEST_BYTES;
    if (source.size < end) throw badFile(`${source.name} has ${source.size} bytes, its header says ${end}: it is cut off, or damaged`);
    return new BodyReader(source, header, head, await readOptionalSections(source, end));
  }

  /** Where the next section starts in the source. */
  get position(): number {
    return this.offset;
  }

  /** The next section, whole; it must be the one named. */
  async readArray<D extends Dtype>(name: string, dtype: D): Promise<ArrayOf[D]> {
    const section = this.expect(name, dtype);
    const bytes = new Uint8Array(section.length * BYTES[dtype]);
    let at = 0;
    for await (const piece of this.pieces(section)) {
      bytes.set(piece, at);
      at += piece.byteLength;
    }
    return arrayOver(dtype, bytes);
  }

  /** The next section in pieces of whole groups of `group` elements. */
  async *readPieces<D extends Dtype>(name: string, dtype: D, group: number): AsyncGenerator<ArrayOf[D]> {
    const unit = group * BYTES[dtype];
    const pieceBytes = Math.max(1, Math.floor(PIECE_BYTES / unit)) * unit;
    for await (const piece of this.pieces(this.expect(name, dtype), pieceBytes)) yield arrayOver(dtype, piece.slice());
  }

  /** Checks the SHA-256 of all that was read; returns it in hex. */
  async finish(): Promise<string> {
    for (const section of this.header.sections.slice(this.nextSection)) {
      this.nextSection++;
      for await (const _ of this.pieces(section)); // hashed, not kept
    }
    const found = toHex(this.hasher.digest());
    const written = toHex(await this.source.read(this.offset, DIGEST_BYTES));
    if (found !== written) throw badFile(`${this.source.name} is damaged: its SHA-256 is ${found}, it should be ${written}`);
    return found;
  }

  private expect(name: string, dtype: Dtype): Section {
    const section = this.header.sections[this.nextSection];
    if (section?.name !== name || section.dtype !== dtype)
      throw badFile(`${this.source.name} has no section ${name} (${dtype}) where one belongs`);
    this.nextSection++;
    return section;
  }

  private async *pieces(section: Section, pieceBytes = PIECE_BYTES): AsyncGenerator<Uint8Array> {
    const bytes = section.length * BYTES[section.dtype];
    for (let at = 0; at < bytes; at += pieceBytes) yield await this.take(Math.min(pieceBytes, bytes - at));
    if (bytes % ALIGNMENT) await this.take(roundUp(bytes, ALIGNMENT) - bytes);
  }

  private async take(length: number): Promise<Uint8Array> {
    const piece = await this.source.read(this.offset, length);
    if (piece.byteLength !== length)
      throw badFile(`${this.source.name} ended ${length - piece.byteLength} bytes early: it was cut while it was read`);
    this.offset += length;
    this.hasher.update(piece);
    return piece;
  }
}

function parseHeader(name: string, bytes: Uint8Array): Header {
  let header: Header & { format?: unknown };
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw badFile(`${name} is damaged: its header is not JSON`, { cause });
  }
  if (header?.format !== 1) throw badFile(`${name} has format ${String(header?.format)}; this version of Isodex reads format 1`);
  const wholeNumber = (x: unknown) => typeof x === 'number' && Number.isInteger(x) && x >= 0;
  const sound =
    typeof header.description === 'string' &&
    Array.isArray(header.sections) &&
    header.sections.every((s) => typeof s?.name === 'string' && s.dtype in BYTES && wholeNumber(s.length)) &&
    typeof header.state === 'object' &&
    header.state !== null &&
    Object.values(header.state).every(wholeNumber);
  if (!sound) throw badFile(`${name} is damaged: its header lacks what an index needs`);
  return header;
}

/** A value of the header, as the check of the argument that it once was takes it. */
export function fromHeader<T>(check: (value: unknown) => T, value: unknown): T {
  try {
    return check(value);
  } catch (cause) {
    throw badFile(`the index file is damaged: in its header, ${(cause as Error).message}`, { cause });
  }
}

/** A typed array over freshly copied bytes. */
function arrayOver<D extends Dtype>(dtype: D, bytes: Uint8Array): ArrayOf[D] {
  const make = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u32: Uint32Array, i8: Int8Array }[dtype];
  return new make(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / BYTES[dtype]) as ArrayOf[D];
}

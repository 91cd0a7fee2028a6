/**
 * What a file may hold behind its body, and what the body's identity does not cover: sections of text, one after the other, each
 *
 *   'ISODEX+1' · u32 bytes of the text · u32 zero · text (JSON, UTF-8; its `section` names it), spaces up to a multiple of 64 bytes
 *   from the section's start · SHA-256 of all that
 *
 * A reader skips sections whose names it does not know.
 */
import { badFile } from '../util/errors.ts';
import { roundUp } from '../util/math.ts';
import { createHasher, toHex } from '../util/sha256.ts';
import type { ByteSource } from './byte-source.ts';

const MAGIC = 'ISODEX+1';
const ALIGNMENT = 64;
const DIGEST_BYTES = 32;
/** Far more than any of them has: damage must not ask for gigabytes. */
const MOST_BYTES = 2 ** 24;

/** Contents, read from JSON, by the names of their sections. */
export type OptionalSections = ReadonlyMap<string, unknown>;

/** The bytes of one section. `content` becomes JSON. */
export function optionalSection(section: string, content: object): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify({ section, content }));
  const total = roundUp(16 + json.length, ALIGNMENT);
  const bytes = new Uint8Array(total + DIGEST_BYTES).fill(0x20);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, total - 16, true);
  view.setUint32(12, 0, true);
  bytes.set(json, 16);
  bytes.set(digestOf(bytes.subarray(0, total)), total);
  return bytes;
}

/**
 * All sections from `offset` to the end of the source. Throws 'bad-file' for anything else there: the index before it may be sound,
 * and the error says how to have it alone.
 */
export async function readOptionalSections(source: ByteSource, offset: number): Promise<OptionalSections> {
  const sections = new Map<string, unknown>();
  for (let at = offset; at < source.size; ) {
    const bytes = await sectionAt(source, at, offset);
    const { section, content } = parsed(bytes.subarray(16, bytes.length - DIGEST_BYTES), source.name);
    sections.set(section, content);
    at += bytes.length;
  }
  return sections;
}

async function sectionAt(source: ByteSource, at: number, bodyEnd: number): Promise<Uint8Array> {
  const wrong = (what: string) =>
    badFile(
      `${source.name} has ${source.size} bytes, its header says ${bodyEnd}: something was appended to it that ${what}; its first ${bodyEnd} bytes are the index without it`,
    );
  const start = await source.read(at, 16);
  if (start.byteLength < 16 || new TextDecoder().decode(start.subarray(0, 8)) !== MAGIC) throw wrong('is no section of this version');
  const view = new DataView(start.buffer, start.byteOffset);
  const total = 16 + view.getUint32(8, true) + DIGEST_BYTES;
  if (view.getUint32(12, true) !== 0 || total > MOST_BYTES || at + total > source.size) throw wrong('is cut off, or damaged');
  const bytes = await source.read(at, total);
  const digest = digestOf(bytes.subarray(0, total - DIGEST_BYTES));
  if (toHex(digest) !== toHex(bytes.subarray(total - DIGEST_BYTES))) throw wrong('is damaged: its SHA-256 is another');
  return bytes;
}

function parsed(bytes: Uint8Array, name: string): { section: string; content: unknown } {
  try {
    const { section, content } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof section === 'string') return { section, content };
  } catch {}
  throw badFile(`${name} is damaged: an optional section behind its body has a checksum that holds, and no name`);
}

function digestOf(bytes: Uint8Array): Uint8Array {
  const hasher = createHasher();
  hasher.update(bytes);
  return hasher.digest();
}

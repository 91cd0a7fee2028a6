/** The door to h5wasm: loads it, opens files, and makes its reports errors. */
import { resolve } from 'node:path';
import type { File } from 'h5wasm/node';
import { badFile } from '../util/errors.ts';
import { fileSize, peek } from './random-file.ts';

type Library = typeof import('h5wasm/node');
type Module = Awaited<Library['ready']>;

const SIGNATURE = '\x89HDF\r\n\x1a\n';

/** A path with the library that is to read or write it. */
export interface Loaded {
  path: string;
  library: Library;
  module: Module;
}

export interface Opened extends Loaded {
  file: File;
}

/** The innermost line of HDF5's report, which is the one that says what is wrong. */
function innermostReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = [...message.matchAll(/ in \w+\(\): (.*)/g)];
  return lines.at(-1)?.[1] ?? message;
}

/**
 * Closes what a failed call left open: h5wasm writes HDF5's report to a temporary file, and the error that it throws keeps it from
 * closing that. The files are removed already; only their descriptors would pile up.
 */
function closeReports(library: Library, before: ReadonlySet<unknown>): void {
  const files = library.FS as unknown as { streams: ({ path?: string } | undefined)[]; close(stream: object): void };
  for (const stream of [...files.streams]) {
    if (stream && !before.has(stream) && /\/tmpfile_\w+$/.test(stream.path ?? '')) files.close(stream);
  }
}

/**
 * Runs calls into HDF5 so that its errors are thrown; left to itself it prints them and returns a number that h5wasm does not
 * always look at. The handler is put back after each call, since the library may have other users in this process.
 */
export function guarded<T>({ path, library, module }: Loaded, call: () => T, verb = 'read'): T {
  const streams = new Set<unknown>((library.FS as unknown as { streams: unknown[] }).streams);
  module.activate_throwing_error_handler();
  try {
    return call();
  } catch (error) {
    closeReports(library, streams);
    throw badFile(`cannot ${verb} ${path}: HDF5 says "${innermostReason(error)}"`, { cause: error });
  } finally {
    module.deactivate_throwing_error_handler();
  }
}

/** Where the file ends according to its own superblock; undefined for the layouts in which that place is not fixed. */
function recordedEnd(head: Uint8Array<ArrayBuffer>): number | undefined {
  const view = new DataView(head.buffer);
  const version = head[8]!;
  const isOld = version < 2;
  const offsetBytes = isOld ? head[13] : head[9];
  const base = isOld ? (version === 0 ? 24 : 28) : 12;
  if (version > 3 || offsetBytes !== 8 || view.getBigUint64(base, true) !== 0n) return undefined;
  return Number(view.getBigUint64(base + 16, true));
}

/** @throws IsodexError `bad-file` when the file is not HDF5 or shorter than it says itself */
async function checkSuperblock(path: string): Promise<void> {
  const size = await fileSize(path);
  const head = await peek(path, 64);
  const signature = Buffer.from(head.subarray(0, 8)).toString('latin1');
  if (signature !== SIGNATURE.slice(0, signature.length)) throw badFile(`${path} does not begin with \\x89HDF: it is not an HDF5 file`);
  if (size < 64) throw badFile(`${path} is ${size} bytes, less than the first block of an HDF5 file: the file is truncated`);
  const end = recordedEnd(head);
  if (end !== undefined && end > size) throw badFile(`${path} is ${size} bytes, and its HDF5 header says ${end}: the file is truncated`);
}

/** Loaded only when it is needed: it is 4 MB of WebAssembly that most programs never use. */
export async function loadFor(path: string): Promise<Loaded> {
  const library = await import('h5wasm/node');
  return { path, library, module: await library.ready };
}

/** Opens a file for reading. */
export async function openHdf5File(path: string): Promise<Opened> {
  await checkSuperblock(path);
  const loaded = await loadFor(path);
  return { ...loaded, file: guarded(loaded, () => new loaded.library.File(resolve(path), 'r')) };
}

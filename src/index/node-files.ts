/** Index files in Node. */
import { badFile } from '../util/errors.ts';
import { nodeModule } from '../util/node-module.ts';
import type { ByteSource } from './byte-source.ts';
import { MemoryOriginals, type WritableOriginals } from './originals.ts';

/** Reads of single rows that are under way at once. */
const READS_IN_FLIGHT = 32;

/** Where bytes are to be read from, and to. */
interface Read {
  readonly offset: number;
  readonly into: Uint8Array;
}

/** An open index file. */
export interface FileSource extends ByteSource {
  /** Many reads, some of them at once: a promise for each would take longer than the reads. Throws 'bad-file' where one falls short. */
  readMany(reads: readonly Read[]): Promise<void>;
  close(): Promise<void>;
}

export async function fileSource(path: string): Promise<FileSource> {
  const { open } = nodeModule('node:fs/promises');
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw badFile(`${path} cannot be read (${cause.code ?? cause.message})`, { cause });
  });
  const { size } = await file.stat();
  return {
    name: path,
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, offset + at).catch((cause: NodeJS.ErrnoException) => {
          throw badFile(`${path} cannot be read (${cause.code ?? cause.message})`, { cause });
        });
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes.subarray(0, at);
    },
    readMany: (reads) => readMany(file.fd, path, reads),
    close: () => file.close(),
  };
}

function readMany(fd: number, path: string, reads: readonly Read[]): Promise<void> {
  const { read } = nodeModule('node:fs');
  return new Promise((resolve, reject) => {
    let next = 0;
    let done = 0;
    const finished = (cause: NodeJS.ErrnoException | null, isWhole: boolean) => {
      if (cause) return reject(badFile(`${path} cannot be read (${cause.code ?? cause.message})`, { cause }));
      if (!isWhole) return reject(badFile(`${path} has changed since it was opened: rows at its end are gone`));
      if (++done === reads.length) resolve();
      else if (next < reads.length) start();
    };
    const start = () => {
      const { offset, into } = reads[next++]!;
      read(fd, into, 0, into.byteLength, offset, (cause, bytesRead) => finished(cause, bytesRead === into.byteLength));
    };
    if (reads.length === 0) resolve();
    while (next < Math.min(READS_IN_FLIGHT, reads.length)) start();
  });
}

/** Rows in the vectors section of an index file; rows added later are in memory. */
export class DiskOriginals implements WritableOriginals {
  readonly dim: number;
  private readonly source: FileSource;
  private readonly position: number;
  private readonly count: number;
  private readonly tail: MemoryOriginals;

  constructor(source: FileSource, position: number, count: number, dim: number) {
    this.source = source;
    this.position = position;
    this.count = count;
    this.dim = dim;
    this.tail = new MemoryOriginals(dim);
  }

  get memoryBytes(): number {
    return this.tail.memoryBytes;
  }

  rowForWriting(row: number, rowsToCome: number): Float32Array {
    return this.tail.rowForWriting(row - this.count, rowsToCome);
  }

  async readRange(begin: number, end: number, out: Float32Array): Promise<void> {
    const stored = Math.max(0, Math.min(end, this.count) - begin);
    if (stored > 0) out.set(await this.read(begin, stored));
    const first = Math.max(begin, this.count);
    if (end > first) await this.tail.readRange(first - this.count, end - this.count, out.subarray((first - begin) * this.dim));
  }

  async readRows(rows: ArrayLike<number>, out: Float32Array, width: number): Promise<void> {
    const rowBytes = this.dim * 4;
    const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
    const reads: Read[] = [];
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (row < this.count)
        reads.push({ offset: this.position + row * rowBytes, into: bytes.subarray(i * width * 4, i * width * 4 + rowBytes) });
      else this.tail.copyRows([row - this.count], out.subarray(i * width), width);
    }
    await this.source.readMany(reads);
  }

  private async read(row: number, rows: number): Promise<Float32Array> {
    const length = rows * this.dim * 4;
    const bytes = await this.source.read(this.position + row * this.dim * 4, length);
    if (bytes.byteLength !== length)
      throw badFile(`${this.source.name} has changed since it was opened: rows ${row} to ${row + rows} are gone`);
    return new Float32Array(bytes.slice().buffer);
  }
}

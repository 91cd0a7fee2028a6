/** Index files in Node. */
import { badFile } from '../util/errors.ts';
import { nodeModule } from '../util/node-module.ts';
import type { ByteSource } from './format.ts';
import { MemoryOriginals, type WritableOriginals } from './originals.ts';

/** Reads of single rows that are under way at once. */
const READS_IN_FLIGHT = 32;

/** An open index file. */
export interface FileSource extends ByteSource {
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
    close: () => file.close(),
  };
}

/** Rows in the vectors section of an index file; rows added later are in memory. */
export class DiskOriginals implements WritableOriginals {
  readonly dim: number;
  private readonly source: ByteSource;
  private readonly position: number;
  private readonly count: number;
  private readonly tail: MemoryOriginals;

  constructor(source: ByteSource, position: number, count: number, dim: number) {
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
    for (let at = 0; at < rows.length; at += READS_IN_FLIGHT) {
      const batch = Array.from({ length: Math.min(READS_IN_FLIGHT, rows.length - at) }, (_, i) => at + i);
      await Promise.all(batch.map(async (i) => this.readRange(rows[i]!, rows[i]! + 1, out.subarray(i * width, i * width + this.dim))));
    }
  }

  private async read(row: number, rows: number): Promise<Float32Array> {
    const length = rows * this.dim * 4;
    const bytes = await this.source.read(this.position + row * this.dim * 4, length);
    if (bytes.byteLength !== length)
      throw badFile(`${this.source.name} has changed since it was opened: rows ${row} to ${row + rows} are gone`);
    return new Float32Array(bytes.slice().buffer);
  }
}

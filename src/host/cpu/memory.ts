import { IsodexError } from '../../util/errors.ts';
import { roundUp } from '../../util/math.ts';

const PAGE = 65536;
/** A cache line: rows that start on one touch as few as they can. */
const ALIGNMENT = 64;

/** Runs that were given back and are likely to be asked for again: those of single queries. Larger ones are joined to holes at once. */
const MOST_SPARE = 2 ** 16;
/** Bytes of all spare runs; with more of them they become holes. */
const MOST_SPARES = 2 ** 22;

interface Hole {
  at: number;
  bytes: number;
}

/** One WebAssembly memory with a first-fit allocator. The module keeps nothing of its own in it. */
export class WasmMemory {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  /** Fills bytes with zeros. The module's own fill takes over when it is there: JavaScript's is slow on shared memory. */
  zero: (at: number, bytes: number) => void = (at, bytes) => new Uint8Array(this.buffer, at, bytes).fill(0);
  /** Free runs in address order, never adjacent. */
  private holes: Hole[] = [];
  private end: number = PAGE; // address 0 stays unused
  /** Free runs as they were given back, by size. */
  private readonly spares = new Map<number, number[]>();
  private spareBytes = 0;

  /** Throws 'out-of-memory' where the address space, 4 GiB for shared memory, is not to be had. */
  constructor(shared: boolean) {
    this.shared = shared;
    try {
      this.memory = new WebAssembly.Memory(shared ? { initial: 1, maximum: PAGE, shared: true } : { initial: 1 });
    } catch (cause) {
      throw new IsodexError('out-of-memory', 'no address space is left for another WebAssembly memory; close engines that are not used', {
        cause,
      });
    }
  }

  get buffer(): ArrayBuffer {
    return this.memory.buffer as ArrayBuffer;
  }

  /** Bytes that blocks hold. */
  get usedBytes(): number {
    return this.end - PAGE - this.spareBytes - this.holes.reduce((sum, hole) => sum + hole.bytes, 0);
  }

  /** Address of `bytes` zeroed bytes. */
  allocate(bytes: number): number {
    const size = sizeOf(bytes);
    const at = this.spares.get(size)?.pop();
    if (at === undefined) return this.carve(size);
    this.spareBytes -= size;
    this.zero(at, size);
    return at;
  }

  free(at: number, bytes: number): void {
    const size = sizeOf(bytes);
    if (size > MOST_SPARE) this.addHole(at, size);
    else this.spare(at, size);
  }

  private spare(at: number, size: number): void {
    const same = this.spares.get(size);
    if (same) same.push(at);
    else this.spares.set(size, [at]);
    this.spareBytes += size;
    if (this.spareBytes > MOST_SPARES) this.joinSpares();
  }

  /** A run out of the first hole that is large enough, or at the end. */
  private carve(size: number): number {
    let index = this.holes.findIndex((hole) => hole.bytes >= size);
    if (index < 0 && this.spareBytes > 0) {
      this.joinSpares();
      index = this.holes.findIndex((hole) => hole.bytes >= size);
    }
    if (index < 0) return this.extend(size);
    const hole = this.holes[index]!;
    const at = hole.at;
    hole.at += size;
    hole.bytes -= size;
    if (hole.bytes === 0) this.holes.splice(index, 1);
    this.zero(at, size);
    return at;
  }

  private joinSpares(): void {
    for (const [size, places] of this.spares) for (const at of places) this.addHole(at, size);
    this.spares.clear();
    this.spareBytes = 0;
  }

  private addHole(at: number, bytes: number): void {
    let index = this.holes.findIndex((hole) => hole.at > at);
    if (index < 0) index = this.holes.length;
    this.holes.splice(index, 0, { at, bytes });
    this.join(index);
    this.join(index - 1);
  }

  /** Joins hole `index` with the next one where they touch. */
  private join(index: number): void {
    const hole = this.holes[index];
    const next = this.holes[index + 1];
    if (!hole || !next || hole.at + hole.bytes !== next.at) return;
    hole.bytes += next.bytes;
    this.holes.splice(index + 1, 1);
  }

  private extend(size: number): number {
    const last = this.holes.at(-1);
    const reuse = last && last.at + last.bytes === this.end ? last : undefined;
    const at = reuse ? reuse.at : this.end;
    const missing = at + size - this.buffer.byteLength;
    if (missing > 0) {
      try {
        this.memory.grow(Math.ceil(missing / PAGE));
      } catch (cause) {
        throw new IsodexError('out-of-memory', `WebAssembly memory cannot grow by ${missing} bytes beyond ${this.buffer.byteLength}`, {
          cause,
        });
      }
    }
    if (reuse) {
      this.zero(reuse.at, reuse.bytes);
      this.holes.pop();
    }
    this.end = at + size;
    return at;
  }
}

function sizeOf(bytes: number): number {
  return Math.max(ALIGNMENT, roundUp(bytes, ALIGNMENT));
}

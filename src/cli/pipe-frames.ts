/**
 * The binary protocol of `isodex pipe`, for programs in other languages. All numbers are little-endian.
 *
 * A request is u32 operation, u32 bytes that follow, and those bytes; each gets one answer, in order: u32 status (0 done, 1 error), u32
 * bytes that follow, and those bytes. Those of an error are its message in UTF-8; it leaves the process ready for the next request,
 * unless frames themselves are wrong.
 *
 * | operation    | bytes of the request                                  | bytes of the answer                      |
 * |--------------|-------------------------------------------------------|------------------------------------------|
 * | 1 rows       | f32 [n, dim], held until `build`                      | u32 rows held                            |
 * | 2 build      | none; the index learns from the held rows, takes them | u32 rows of the index                    |
 * | 3 search     | u32 k, f32 [nq, dim]                                  | i32 labels [nq, k], −1 where there are fewer |
 * | 4 search     | the same                                              | labels, then f32 distances [nq, k]       |
 * | 5 settings   | u32 efSearch, u32 nprobe, f32 refineFactor; 0 is the index's | none                              |
 * | 6 info       | none                                                  | JSON: what the index is, bytes by part   |
 * | 7 save       | path of the index file, UTF-8                         | none                                     |
 */
import { IsodexError } from '../node.ts';

export const OPERATIONS = { rows: 1, build: 2, search: 3, searchWithDistances: 4, settings: 5, info: 6, save: 7 } as const;

export interface Frame {
  readonly operation: number;
  /** In memory of its own, which begins where numbers of any size may begin. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const HEADER_BYTES = 8;
/** More in one frame is a mistake, or would need as much memory twice: rows can come in several. */
export const MOST_BYTES = 1 << 28;

/** Cuts a stream of bytes, in pieces of any size, into frames. */
export class FrameSplitter {
  readonly #header = new DataView(new ArrayBuffer(HEADER_BYTES));
  #headerBytes = 0;
  #payload: Uint8Array<ArrayBuffer> | undefined;
  #payloadBytes = 0;

  /** Whether a frame has begun that is not complete. */
  get isInside(): boolean {
    return this.#headerBytes > 0;
  }

  /**
   * The frames that are complete with this piece.
   *
   * @throws IsodexError `bad-argument` where a frame claims to be too large: nothing behind it can be understood
   */
  *push(piece: Uint8Array): Generator<Frame> {
    for (let at = 0; at < piece.length; ) {
      at += this.#payload ? this.#fill(this.#payload, piece.subarray(at)) : this.#fillHeader(piece.subarray(at));
      if (this.#payload?.length !== this.#payloadBytes) continue;
      const frame = { operation: this.#header.getUint32(0, true), bytes: this.#payload };
      this.#headerBytes = 0;
      this.#payload = undefined;
      yield frame;
    }
  }

  /** Takes what the header lacks, or what there is of it. */
  #fillHeader(piece: Uint8Array): number {
    const taken = piece.subarray(0, HEADER_BYTES - this.#headerBytes);
    new Uint8Array(this.#header.buffer).set(taken, this.#headerBytes);
    this.#headerBytes += taken.length;
    if (this.#headerBytes === HEADER_BYTES) this.#begin(this.#header.getUint32(4, true));
    return taken.length;
  }

  #begin(length: number): void {
    if (length > MOST_BYTES) {
      throw new IsodexError('bad-argument', `a frame claims ${length} bytes; give ${MOST_BYTES} at most, and rows in several frames`);
    }
    this.#payload = new Uint8Array(length);
    this.#payloadBytes = 0;
  }

  #fill(payload: Uint8Array, piece: Uint8Array): number {
    const taken = piece.subarray(0, payload.length - this.#payloadBytes);
    payload.set(taken, this.#payloadBytes);
    this.#payloadBytes += taken.length;
    return taken.length;
  }
}

/** The bytes of an answer, whole, so that one write sends it. */
export function answerFrame(status: 0 | 1, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const frame = new Uint8Array(HEADER_BYTES + length);
  const header = new DataView(frame.buffer);
  header.setUint32(0, status, true);
  header.setUint32(4, length, true);
  let at = HEADER_BYTES;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** What contenders of the compressed bench are asked; peers/isodex-compressed.ts and peers/faiss-compressed.py answer. */
import type { BuildRequest, IndexRequests, LoadReply, LoadRequest } from '../index-protocol.ts';
import type { Sample } from '../peer.ts';

interface CodedBuildRequest extends BuildRequest {
  /** An index with the same transform, trained already; FAISS alone. */
  readonly transformOf?: string | undefined;
}

export interface CodedBuildReply {
  readonly train: Sample;
  readonly add: Sample;
  readonly threads: number;
  /** What the contender itself says about it. */
  readonly warnings: readonly string[];
}

/** Where the vectors of an index that refines lie. */
export type Originals = 'memory' | 'disk';

export interface CodedLoadRequest extends LoadRequest {
  readonly originals: Originals;
}

export interface CodedLoadReply extends LoadReply {
  /** Bytes of the file by part, where the library tells. */
  readonly file?: Readonly<Record<string, number>> | undefined;
  /** How the contender set itself up, for people. */
  readonly note?: string | undefined;
}

export interface CodedRequests extends Omit<IndexRequests, 'build' | 'load'> {
  build: [request: CodedBuildRequest, reply: CodedBuildReply];
  load: [request: CodedLoadRequest, reply: CodedLoadReply];
}

/** The parts of index descriptions: what they are in the tree, how they are read, and the numbers that a config may give instead. */
import { badArgument, type IsodexError } from '../util/errors.ts';
import type { DescriptionText, Form, Range } from './description-text.ts';

/** What is done to vectors before they are coded. */
export type TransformPart =
  | { readonly kind: 'OPQ'; readonly M: number; readonly dimOut: number | undefined }
  | { readonly kind: 'PCA'; readonly dimOut: number }
  /** Random rotation. */
  | { readonly kind: 'RR'; readonly dimOut: number | undefined }
  | { readonly kind: 'L2norm' };

/** How vectors are found: by looking at all of them ('Flat'), in inverted lists, by a graph, or by bits of hyperplanes. */
export type Structure =
  | { readonly kind: 'Flat' }
  | { readonly kind: 'IVF'; readonly nlist: number }
  | { readonly kind: 'HNSW'; readonly M: number }
  | { readonly kind: 'LSH'; readonly nBits: number | undefined };

/** How vectors are kept; 'Flat' keeps them as they are. */
export type Codec =
  | { readonly kind: 'Flat' }
  | { readonly kind: 'SQ'; readonly bits: 8 | 4 }
  | { readonly kind: 'f16' }
  | { readonly kind: 'PQ'; readonly M: number; readonly nBits: 4 | 8 }
  | { readonly kind: 'LVQ'; readonly bits: 4 | 8 };

/** Numbers that descriptions may leave out. Those that a description has no use for are not looked at. */
export interface DescriptionConfig {
  /** Of HNSW. Default 32, with 'OPQ+HNSW' 16. */
  readonly M?: number | undefined;
  /** Of IVF. Default 1024. */
  readonly nlist?: number | undefined;
  /** M of PQ; with 'OPQ+HNSW' of OPQ too. Default 32. */
  readonly nSubquantizers?: number | undefined;
  /** Of PQ 4 or 8, default 8; of LSH the bits of a vector. */
  readonly nBits?: number | undefined;
  /** 'memory' and 'disk' add RFlat. */
  readonly refine?: false | 'memory' | 'disk' | undefined;
}

const HNSW_M: Range = [2, 512];
const NLIST: Range = [1, 2 ** 20];
const PQ_M: Range = [1, 4096];
const DIM: Range = [1, 4096];
const LSH_BITS: Range = [1, 32_768];

/** Reads the parts of one description, beside a config. */
export class PartForms {
  readonly transforms: readonly Form<TransformPart>[];
  readonly structures: readonly Form<Structure>[];
  readonly codecs: readonly Form<Codec>[];
  readonly refines: readonly Form<'Flat'>[];
  private readonly text: string;
  private readonly config: DescriptionConfig;

  constructor(text: string, config: DescriptionConfig) {
    this.text = text;
    this.config = config;
    this.transforms = [
      open('OPQ<M>', 'OPQ', readOpq),
      open('PCA<d>', 'PCA', (part) => ({ kind: 'PCA', dimOut: part.number('d', DIM) })),
      open('RR', 'RR', (part) => ({ kind: 'RR', dimOut: part.numberIfAny('d', DIM) })),
      { ...word('L2norm', { kind: 'L2norm' }), form: undefined },
    ];
    this.structures = [
      open('IVF<nlist>', 'IVF', (part) => ({ kind: 'IVF', nlist: this.nlist(part.numberIfAny('nlist', NLIST)) })),
      open('HNSW<M>', 'HNSW', (part) => this.hnsw(part.numberIfAny('M', HNSW_M))),
      open('LSH', 'LSH', (part) => ({ kind: 'LSH', nBits: this.number('nBits', part.numberIfAny('nBits', LSH_BITS), LSH_BITS) })),
    ];
    this.codecs = [
      word('Flat', { kind: 'Flat' }),
      word('SQ8', { kind: 'SQ', bits: 8 }),
      word('SQ4', { kind: 'SQ', bits: 4 }),
      word('SQfp16', { kind: 'f16' }),
      open('PQ<M>', 'PQ', (part) => this.readPq(part)),
      word('LVQ4', { kind: 'LVQ', bits: 4 }),
      word('LVQ8', { kind: 'LVQ', bits: 8 }),
      { ...word('f16', { kind: 'f16' }), form: undefined },
    ];
    this.refines = [word('RFlat', 'Flat'), { ...word('Refine(Flat)', 'Flat'), form: undefined }];
  }

  hnsw(said: number | undefined, otherwise = 32): Structure {
    return { kind: 'HNSW', M: this.number('M', said, HNSW_M) ?? otherwise };
  }

  /** M and bits of PQ, where the description says so or says nothing. */
  pq(M: number | undefined, nBits: 4 | 8 | undefined): Codec & { readonly kind: 'PQ' } {
    return { kind: 'PQ', M: this.number('nSubquantizers', M, PQ_M) ?? 32, nBits: this.pqBits(nBits) ?? 8 };
  }

  /** What the description and the config say together of the refine stage. */
  refine(said: 'Flat' | undefined): 'Flat' | undefined {
    const given: unknown = this.config.refine;
    if (given === undefined) return said;
    if (given !== false && given !== 'memory' && given !== 'disk') {
      throw badArgument(`refine is ${String(given)}; give false, 'memory' or 'disk'`);
    }
    if (given === false && said) throw this.atOdds('says RFlat', 'refine is false');
    return given === false ? undefined : 'Flat';
  }

  private nlist(said: number | undefined): number {
    return this.number('nlist', said, NLIST) ?? 1024;
  }

  private readPq(part: DescriptionText): Codec {
    const M = part.word === 'PQ' ? undefined : part.number('M', PQ_M);
    const bits = part.endingIfAny(['x4', 'x8', 'x4fs']);
    return this.pq(M, bits === undefined ? undefined : bits === 'x8' ? 8 : 4);
  }

  private pqBits(said: 4 | 8 | undefined): 4 | 8 | undefined {
    const given: unknown = this.config.nBits;
    if (given === undefined) return said;
    if (said !== undefined && given !== said) throw this.atOdds(`says nBits ${said}`, `nBits is ${String(given)}`);
    if (given !== 4 && given !== 8) throw badArgument(`nBits is ${String(given)}; give 4 or 8`);
    return given;
  }

  /** The number that the description says, or else the config. */
  private number(name: 'M' | 'nlist' | 'nSubquantizers' | 'nBits', said: number | undefined, [least, most]: Range): number | undefined {
    const given: unknown = this.config[name];
    if (given === undefined) return said;
    if (said !== undefined && given !== said) throw this.atOdds(`says ${name} ${said}`, `${name} is ${String(given)}`);
    if (typeof given === 'number' && Number.isInteger(given) && given >= least && given <= most) return given;
    throw badArgument(`${name} is ${String(given)}; give an integer from ${least} to ${most}`);
  }

  private atOdds(says: string, given: string): IsodexError {
    return badArgument(`the description '${this.text}' ${says}, but ${given}; give one of them`);
  }
}

/** The part as it is printed. */
export function printPart(part: TransformPart | Structure | Codec): string {
  switch (part.kind) {
    case 'OPQ':
      return `OPQ${part.M}${part.dimOut === undefined ? '' : `_${part.dimOut}`}`;
    case 'PCA':
    case 'RR':
      return `${part.kind}${part.dimOut ?? ''}`;
    case 'IVF':
      return `IVF${part.nlist}`;
    case 'HNSW':
      return `HNSW${part.M}`;
    case 'LSH':
      return `LSH${part.nBits ?? ''}`;
    case 'SQ':
    case 'LVQ':
      return `${part.kind}${part.bits}`;
    case 'f16':
      return 'SQfp16';
    case 'PQ':
      return `PQ${part.M}${part.nBits === 4 ? 'x4' : ''}`;
    case 'L2norm':
    case 'Flat':
      return part.kind;
  }
}

/** A part that is this word and no more. */
function word<const Node>(head: string, node: Node): Form<Node> {
  return { form: head, head, open: false, read: () => node };
}

/** A part that begins with a name in capitals, and what may follow it. */
function open<Node>(form: string, head: string, read: (part: DescriptionText) => Node): Form<Node> {
  return { form, head, open: true, read };
}

function readOpq(part: DescriptionText): TransformPart {
  const M = part.number('M', PQ_M);
  return { kind: 'OPQ', M, dimOut: part.skip('_') ? part.number('d', DIM) : undefined };
}

/**
 * Index descriptions in the manner of FAISS's factory strings ('OPQ32,HNSW16,PQ32,RFlat'): parsed into a tree, printed, and held
 * against the dimension of the vectors.
 */
import { badArgument, type IsodexError } from '../util/errors.ts';
import { type Codec, type DescriptionConfig, PartForms, printPart, type Structure, type TransformPart } from './description-parts.ts';
import { DescriptionText, type Form, formOf } from './description-text.ts';

export type { Codec, DescriptionConfig, Structure, TransformPart } from './description-parts.ts';

export interface Description {
  /** In the order in which they are applied. */
  readonly transforms: readonly TransformPart[];
  readonly structure: Structure;
  /** 'Flat' with LSH, which keeps its bits and no other code. */
  readonly codec: Codec;
  /** 'Flat': the vectors are kept too, and distances computed from them. */
  readonly refine: 'Flat' | undefined;
}

const NOTHING_TO_REFINE = 'there is nothing to refine, for the vectors are kept as they are';
const FLAT = { kind: 'Flat' } as const;
/** The short name of OPQ32,HNSW16,PQ32. */
const SHORT = 'OPQ+HNSW';

/** The tree of a description. Throws 'bad-argument', with a caret under the character where it goes wrong. */
export function parseDescription(text: string, config: DescriptionConfig = {}): Description {
  return new Parser(text, config).parse();
}

/** The canonical string of a tree: what is the default is not said. */
export function printDescription({ transforms, structure, codec, refine }: Description): string {
  const isDefault = codec.kind === 'Flat' && (structure.kind === 'HNSW' || structure.kind === 'LSH');
  const parts = [...transforms, ...(structure.kind === 'Flat' ? [] : [structure]), ...(isDefault ? [] : [codec])];
  return [...parts.map(printPart), ...(refine ? ['RFlat'] : [])].join(',');
}

/** What comes before the refine stage, as far as it is said. */
interface Parts {
  readonly transforms: readonly TransformPart[];
  readonly structure: Structure | undefined;
  readonly codec: Codec | undefined;
  /** Whether the description may end here. */
  readonly complete: boolean;
}

class Parser {
  private readonly text: DescriptionText;
  private readonly forms: PartForms;
  private readonly short: Form<Parts>;

  constructor(text: string, config: DescriptionConfig) {
    this.text = new DescriptionText(text);
    this.forms = new PartForms(text, config);
    this.short = { head: SHORT, form: SHORT, open: false, read: () => this.inFull() };
  }

  parse(): Description {
    const { text, forms } = this;
    const parts = text.take([this.short]) ?? this.parts();
    const { transforms, structure = FLAT, codec = FLAT } = parts;
    if (keepsVectors(parts) && formOf(text.word, forms.refines)) throw this.unexpected(parts, false, NOTHING_TO_REFINE);
    const said = text.take(forms.refines);
    if (!text.atEnd) throw this.unexpected(parts, said !== undefined, this.misplaced(parts));
    const refine = forms.refine(said);
    if (refine && keepsVectors(parts)) throw badArgument(`refine is given, but of '${text.text}' ${NOTHING_TO_REFINE}`);
    return { transforms, structure, codec, refine };
  }

  /** Transforms, then a structure, a codec or both. */
  private parts(): Parts {
    const { text, forms } = this;
    const transforms: TransformPart[] = [];
    const next = () => (text.word === SHORT ? undefined : text.take(forms.transforms));
    for (let one = next(); one; one = next()) transforms.push(one);
    const isShort = text.word === 'IVF';
    const structure = text.take(forms.structures);
    const codec = structure?.kind === 'LSH' ? undefined : text.take(forms.codecs);
    const complete = codec !== undefined || isShort || (structure !== undefined && structure.kind !== 'IVF');
    const parts = { transforms, structure, codec, complete };
    if (!complete) throw this.unexpected(parts, false, this.misplaced(parts));
    return parts;
  }

  /** What the short name stands for. */
  private inFull(): Parts {
    const codec = this.forms.pq(undefined, undefined);
    const opq: TransformPart = { kind: 'OPQ', M: codec.M, dimOut: undefined };
    return { transforms: [opq], structure: this.forms.hnsw(undefined, 16), codec, complete: true };
  }

  /** That the current part cannot come after `parts` or, where that was said, after the refine stage. */
  private unexpected(parts: Parts, refined: boolean, reason: string | undefined): IsodexError {
    const { transforms, structure, codec, complete } = parts;
    const { text, forms } = this;
    const isOpen = !structure && !codec;
    const mayCode = !codec && structure?.kind !== 'LSH' && !refined;
    const mayRefine = complete && !refined && !keepsVectors(parts);
    const expected: Form<unknown>[] = [
      ...(isOpen && transforms.length === 0 ? [this.short] : []),
      ...(isOpen ? [...forms.transforms, ...forms.structures] : []),
      ...(mayCode ? forms.codecs : []),
      ...(mayRefine ? forms.refines : []),
    ];
    return text.unexpected(expected, complete, reason);
  }

  /** Why the current part, if it is one at all, cannot come after `parts`. */
  private misplaced({ structure, codec }: Parts): string | undefined {
    const { forms } = this;
    const { word } = this.text;
    if (word === SHORT) return `${SHORT} is a whole description`;
    if (formOf(word, forms.transforms)) return 'transforms come before structure and codec';
    if (formOf(word, forms.structures)) return structure ? 'there is a structure already' : 'the structure comes before the codec';
    if (formOf(word, forms.codecs)) {
      if (structure?.kind === 'LSH') return 'LSH keeps bits of its own and takes no codec';
      return codec ? 'there is a codec already' : 'the codec comes before RFlat';
    }
    return formOf(word, forms.refines) ? 'RFlat comes once, after what it refines' : undefined;
  }
}

/** Whether the vectors are kept as they came, so that nothing is left to refine. */
function keepsVectors({ transforms, structure, codec }: Parts): boolean {
  return transforms.length === 0 && structure?.kind !== 'LSH' && (!codec || codec.kind === 'Flat');
}

/**
 * The dimension of the vectors after each transform. Throws 'bad-argument' where a part does not fit: PQ cuts a vector into M parts
 * of equal length, and transforms never make vectors longer.
 */
export function checkAgainstDim(description: Description, dim: number): { dims: number[] } {
  const dims: number[] = [];
  for (const transform of description.transforms) dims.push(dimAfter(transform, dims.at(-1) ?? dim));
  checkPq(description, [dim, ...dims]);
  return { dims };
}

/** The dimension of vectors that had `dim` before the transform. */
function dimAfter(transform: TransformPart, dim: number): number {
  switch (transform.kind) {
    case 'OPQ':
      return dimAfterOpq(transform, dim);
    case 'PCA':
    case 'RR': {
      const { dimOut = dim } = transform;
      if (dimOut > dim) throw badArgument(`${printPart(transform)} needs a dim of ${dimOut} at least, but it is ${dim}`);
      return dimOut;
    }
    case 'L2norm':
      return dim;
  }
}

function dimAfterOpq(opq: TransformPart & { readonly kind: 'OPQ' }, dim: number): number {
  const { M, dimOut } = opq;
  const name = printPart(opq);
  if (dim < M) throw badArgument(`${name} needs a dim of ${M} at least, but it is ${dim}; give OPQ${dim} or one with a smaller M`);
  const most = dim - (dim % M);
  if (dimOut === undefined) return most;
  if (dimOut > dim) {
    const why = 'FAISS would pad with zeros, which cost memory and time and say nothing';
    throw badArgument(`${name} gives vectors more dimensions than their ${dim}: ${why}; give OPQ${M}_${most}`);
  }
  if (dimOut % M > 0) {
    const fitting = Math.max(M, dimOut - (dimOut % M));
    throw badArgument(`${name} needs a d that is a multiple of ${M}; give OPQ${M}_${fitting}`);
  }
  return dimOut;
}

/** `dims` are those before the first transform and after each. */
function checkPq(description: Description, dims: readonly number[]): void {
  const { codec, transforms } = description;
  const dim = dims.at(-1)!;
  if (codec.kind !== 'PQ' || dim % codec.M === 0) return;
  const last = transforms.at(-1);
  const fitting: Description = { ...description, codec: { ...codec, M: nearestDivisor(dim, codec.M) } };
  const opq: TransformPart = { kind: 'OPQ', M: codec.M, dimOut: undefined };
  const isOpq = last?.kind === 'OPQ';
  const rotated: Description = { ...description, transforms: [...(isOpq ? transforms.slice(0, -1) : transforms), opq] };
  const rotates = (isOpq ? dims.at(-2)! : dim) >= codec.M;
  const instead = [fitting, ...(rotates ? [rotated] : [])].map(printDescription).join(' or ');
  const where = `it is ${dim}${last ? ` after ${printPart(last)}` : ''}`;
  throw badArgument(`${printPart(codec)} needs a dim that is a multiple of ${codec.M}, but ${where}; give ${instead}`);
}

/** Of two divisors of `dim` that are as near to `M`, the smaller. */
function nearestDivisor(dim: number, M: number): number {
  for (let step = 1; ; step++) {
    if (M - step >= 1 && dim % (M - step) === 0) return M - step;
    if (M + step <= dim && dim % (M + step) === 0) return M + step;
  }
}

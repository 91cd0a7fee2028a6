/** Bytes that an index will take, before it is made. */
import { badArgument } from '../util/errors.ts';
import { checkAgainstDim, type Description, type DescriptionConfig, parseDescription, printDescription } from './description.ts';
import {
  codedHoldings,
  flatHoldings,
  type Holdings,
  hnswHoldings,
  labelBytes,
  labelSections,
  PARTS,
  type Part,
  type Shape,
} from './estimate-parts.ts';
import { fileBytesOf, sectionBytes } from './format.ts';
import { checkDim, checkMetric, checkSeed, type Metric } from './vector-index.ts';

export interface EstimateOptions extends DescriptionConfig {
  /** Rows, added at once. */
  readonly n: number;
  /** Values in a vector, 1 to 4,096. */
  readonly dim: number;
  /** Default 'l2'. */
  readonly metric?: Metric | undefined;
  /** Levels of a graph follow from it. Default 1. */
  readonly seed?: number | undefined;
  /** HNSW: 'f32' for data that 8 bits are too coarse for, which an index finds out by itself. Default 'sq8'. */
  readonly traversal?: 'sq8' | 'f32' | undefined;
  /** Flat: directions that vectors are projected on for scans, where the data let an index choose some. Default: none. */
  readonly directions?: number | undefined;
}

export interface PartBytes {
  readonly parts: Readonly<Record<Part, number>>;
  readonly total: number;
  /** The same by row; what does not grow with the rows is shared out among them. */
  readonly perVector: Readonly<Record<Part, number>> & { readonly total: number };
}

export interface MemoryEstimate {
  /** The description in full. */
  readonly description: string;
  readonly n: number;
  readonly dim: number;
  /** On one engine, after all rows were added at once and a search, without what searches need while they run. */
  readonly memory: PartBytes;
  /** The index file, without keys. */
  readonly file: PartBytes;
}

/** Rows that an index can number. */
const MOST_ROWS = 2 ** 31 - 1;

/** What an index with `n` rows will hold in memory, and what its file will have. Throws 'bad-argument' as making it would. */
export function estimate(description: string, options: EstimateOptions): MemoryEstimate {
  if (typeof options !== 'object' || options === null) throw badArgument('estimate needs to know n and dim; give { n, dim }');
  const tree = parseDescription(description, options);
  const shape = checkedShape(options);
  const { dims } = checkAgainstDim(tree, shape.dim);
  const { n, dim, metric, seed } = shape;
  const { memory, sections, state } = holdingsOf(tree, shape, [dim, ...dims], options);
  const all = [...labelSections(n), ...sections];
  const full = printDescription(tree);
  const header = {
    description: full,
    dim,
    metric,
    seed,
    state: { count: n, nextLabel: n, nextSerial: n, ...state },
    sections: all.map(({ name, dtype, length }) => ({ name, dtype, length })),
  };
  const ofFile = (part: Part) => sectionBytes(all.filter((section) => section.part === part));
  const frame = fileBytesOf(header) - sectionBytes(all); // header and checksum
  return {
    description: full,
    n,
    dim,
    memory: partBytes(n, (part) => (part === 'labels' ? labelBytes(n) : (memory[part] ?? 0))),
    file: partBytes(n, (part) => ofFile(part) + (part === 'fixed' ? frame : 0)),
  };
}

function checkedShape({ n, dim, metric, seed }: EstimateOptions): Shape {
  if (!Number.isInteger(n) || n < 0 || n > MOST_ROWS) throw badArgument(`n is ${String(n)}; give an integer from 0 to ${MOST_ROWS}`);
  return { n, dim: checkDim(dim), metric: checkMetric(metric ?? 'l2'), seed: checkSeed(seed ?? 1) };
}

/** `dims` are those before the first transform and after each. */
function holdingsOf(tree: Description, shape: Shape, dims: readonly number[], options: EstimateOptions): Holdings {
  const { transforms, structure, codec, refine } = tree;
  const isPlain = transforms.length === 0 && refine === undefined;
  const isSq8 = codec.kind === 'SQ' && codec.bits === 8;
  if (isPlain && structure.kind === 'Flat' && codec.kind === 'Flat') return flatHoldings(shape, options.directions);
  if (isPlain && structure.kind === 'HNSW' && (codec.kind === 'Flat' || isSq8)) {
    return hnswHoldings(structure.M, shape, isSq8, options.traversal ?? 'sq8');
  }
  return codedHoldings(tree, shape, dims, options.refine === 'disk');
}

function partBytes(n: number, bytesOf: (part: Part) => number): PartBytes {
  const parts = Object.fromEntries(PARTS.map((part) => [part, bytesOf(part)])) as Record<Part, number>;
  const total = PARTS.reduce((sum, part) => sum + parts[part], 0);
  const each = (bytes: number) => (n > 0 ? bytes / n : 0);
  const perVector = Object.fromEntries(PARTS.map((part) => [part, each(parts[part])])) as Record<Part, number>;
  return { parts, total, perVector: { ...perVector, total: each(total) } };
}

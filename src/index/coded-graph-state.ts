/** What a graph over codes is at one time, and what it keeps of its rows. */
import type { HostEngine } from '../host/engine.ts';
import type { CodedConfig } from './coded-config.ts';
import { Column } from './column.ts';
import { DeviceCopies } from './engine-walker.ts';
import { blocksOf } from './graph-pages.ts';
import type { GraphState } from './graph-state.ts';
import type { TrainedState } from './trained-index.ts';
import type { Settings } from './vector-index.ts';

/** A graph as one committed state; `codes` are those that it is searched on. */
export type CodedGraph = Omit<GraphState, 'labels' | 'vectors'>;

export interface CodedGraphState extends TrainedState {
  /** Undefined until rows were added. */
  readonly nodes: CodedNodes | undefined;
  readonly graph: CodedGraph | undefined;
}

/** An index as it was made or read. */
export interface CodedGraphContent extends CodedGraphState {
  readonly config: CodedConfig;
  readonly settings: Settings;
}

/** What a state holds on the host engine. */
export function holdingsOf({ trained, nodes, graph }: CodedGraphState): Disposable[] {
  return [...[trained, nodes].filter((thing) => thing !== undefined), ...(graph ? blocksOf(graph.pages) : [])];
}

/** Codes of rows, and where their upper links begin. States share it, each with the rows that it counts. */
export class CodedNodes implements Disposable {
  /** Copies of the codes on devices. */
  readonly device = new DeviceCopies();
  private readonly codes: Column<'i8'>;
  private readonly upperRows: Column<'u32'>;

  constructor(host: HostEngine, stride: number) {
    this.codes = new Column(host, 'i8', stride, 'graph: codes');
    this.upperRows = new Column(host, 'u32', 1, 'graph: upper rows');
  }

  /** The blocks that hold every row so far. */
  get blocks(): Pick<CodedGraph, 'codes' | 'upperRows'> {
    return { codes: this.codes.block, upperRows: this.upperRows.block };
  }

  /** Bytes of codes, and of what nodes need beside codes and links. */
  get memory(): { readonly codes: number; readonly nodes: number } {
    return { codes: this.codes.capacity * this.codes.rowLength + this.device.bytes, nodes: 4 * this.upperRows.capacity };
  }

  async reserve(rows: number): Promise<void> {
    await this.codes.reserve(rows);
    await this.upperRows.reserve(rows);
  }

  /** Codes i8 [n, stride] of the rows from `first` on, for which room was reserved. */
  putCodes(first: number, codes: Int8Array): void {
    this.device.truncate(first);
    this.codes.view().set(codes, first * this.codes.rowLength);
  }

  putUpperRows(first: number, upperRows: Uint32Array): void {
    this.upperRows.view().set(upperRows, first);
  }

  /** A copy of the codes of rows [begin, end). */
  readCodes(begin: number, end: number): Promise<Int8Array> {
    return this.codes.read(begin, end);
  }

  /** The codes of the given rows as those of rows 0, 1 … of other nodes. */
  async picked(host: HostEngine, rows: Uint32Array): Promise<CodedNodes> {
    const { rowLength } = this.codes;
    const nodes = new CodedNodes(host, rowLength);
    await nodes.reserve(rows.length);
    const [from, to] = [this.codes.view(), nodes.codes.view()];
    for (let i = 0; i < rows.length; i++) to.set(from.subarray(rows[i]! * rowLength, (rows[i]! + 1) * rowLength), i * rowLength);
    return nodes;
  }

  takeOutgrown(): Disposable[] {
    return [...this.codes.takeOutgrown(), ...this.upperRows.takeOutgrown()];
  }

  [Symbol.dispose](): void {
    this.device.close();
    this.codes[Symbol.dispose]();
    this.upperRows[Symbol.dispose]();
  }
}

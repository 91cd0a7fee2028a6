/** What a format has to offer; everything else that a `VectorSource` does is the same for all formats. */
export interface RowReader {
  readonly path: string;
  readonly format: string;
  /** The type of the numbers in the file. */
  readonly dtype: string;
  readonly dim: number;
  /** Rows in the file, where the format tells without reading everything. */
  readonly size: number | undefined;
  /**
   * All rows from the first on, as f32 pieces of one or more whole rows `[m, dim]`, each in memory that nobody else uses.
   * `wanted` is the number of rows that suits the caller; a format may give more or fewer. Each call starts anew.
   */
  pieces(wanted: number): AsyncIterable<Float32Array>;
  close(): Promise<void>;
}

/** (query, row) pairs that are to be refined: one growing pair of arrays, reused by whoever owns it. */
export class Candidates {
  length = 0;
  queries: Uint32Array;
  rows: Uint32Array;

  constructor(room = 1024) {
    this.queries = new Uint32Array(room);
    this.rows = new Uint32Array(room);
  }

  push(query: number, row: number): void {
    if (this.length === this.rows.length) this.grow();
    this.queries[this.length] = query;
    this.rows[this.length++] = row;
  }

  private grow(): void {
    const { queries, rows } = this;
    this.queries = new Uint32Array(2 * queries.length);
    this.rows = new Uint32Array(2 * rows.length);
    this.queries.set(queries);
    this.rows.set(rows);
  }
}

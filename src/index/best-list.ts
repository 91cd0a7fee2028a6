/**
 * The k best (distance, label) of one query, as a binary heap with the worst on top. Ordered by distance, then label, so
 * the outcome does not depend on the order in which candidates come.
 */
export class BestList {
  readonly k: number;
  size = 0;
  private readonly distances: Float32Array;
  private readonly labels: Int32Array;

  constructor(k: number) {
    this.k = k;
    this.distances = new Float32Array(k);
    this.labels = new Int32Array(k);
  }

  /** No row farther than this can enter: the k-th distance so far, Infinity while there is room. */
  get threshold(): number {
    return this.size < this.k ? Infinity : this.distances[0]!;
  }

  push(distance: number, label: number): void {
    if (this.size < this.k) {
      this.rise(this.size++, distance, label);
    } else if (before(distance, label, this.distances[0]!, this.labels[0]!)) {
      this.sink(distance, label);
    }
  }

  has(label: number): boolean {
    return this.labels.subarray(0, this.size).includes(label);
  }

  /** Writes the list, nearest first, to position `at` of the arrays, and pads it with (−1, Infinity). */
  writeTo(labels: Int32Array, distances: Float32Array, at: number): void {
    const order = Array.from({ length: this.size }, (_, i) => i).sort(
      (a, b) => this.distances[a]! - this.distances[b]! || this.labels[a]! - this.labels[b]!,
    );
    for (let i = 0; i < this.k; i++) {
      const from = order[i];
      labels[at + i] = from === undefined ? -1 : this.labels[from]!;
      distances[at + i] = from === undefined ? Infinity : this.distances[from]!;
    }
  }

  private rise(at: number, distance: number, label: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(this.distances[parent]!, this.labels[parent]!, distance, label)) break;
      this.place(at, this.distances[parent]!, this.labels[parent]!);
      at = parent;
    }
    this.place(at, distance, label);
  }

  private sink(distance: number, label: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      const right = child + 1;
      if (right < this.size && before(this.distances[child]!, this.labels[child]!, this.distances[right]!, this.labels[right]!))
        child = right;
      if (!before(distance, label, this.distances[child]!, this.labels[child]!)) break;
      this.place(at, this.distances[child]!, this.labels[child]!);
      at = child;
    }
    this.place(at, distance, label);
  }

  private place(at: number, distance: number, label: number): void {
    this.distances[at] = distance;
    this.labels[at] = label;
  }
}

function before(distanceA: number, labelA: number, distanceB: number, labelB: number): boolean {
  return distanceA < distanceB || (distanceA === distanceB && labelA < labelB);
}

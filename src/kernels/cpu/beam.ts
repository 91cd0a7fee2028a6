import { hasBit } from '../../util/bits.ts';
import { BEAM_FACTOR } from '../graph.ts';

/**
 * The nearest nodes that a search has seen, sorted by (key, id), each marked once its links were followed. Without a filter it
 * holds the `ef` nearest. With one it holds every seen node up to a threshold: the nearer of the ef-th that may be returned
 * and the (4 · ef)-th of all. The threshold only falls, so what was rejected or evicted can never come back, and a node
 * that is scored twice changes nothing (docs/identity.md, part 9).
 */
export class Beam {
  readonly keys: number[] = [];
  readonly ids: number[] = [];
  private readonly expanded: boolean[] = [];
  private readonly ef: number;
  private readonly capacity: number;
  private readonly admitted: Uint32Array | undefined;
  private returnable = 0;

  constructor(ef: number, admitted?: Uint32Array) {
    this.ef = ef;
    this.admitted = admitted;
    this.capacity = admitted ? BEAM_FACTOR * ef : ef;
  }

  /** Whether a node of this key would still enter. */
  accepts(key: number, id: number): boolean {
    const last = this.ids.length - 1;
    return !this.full || before(key, id, this.keys[last]!, this.ids[last]!);
  }

  /** Takes a node in where it belongs; one that is there already is left alone. */
  insert(key: number, id: number): void {
    if (!this.accepts(key, id)) return;
    let at = this.ids.length;
    while (at > 0 && before(key, id, this.keys[at - 1]!, this.ids[at - 1]!)) at--;
    if (at > 0 && this.ids[at - 1] === id) return;
    this.keys.splice(at, 0, key);
    this.ids.splice(at, 0, id);
    this.expanded.splice(at, 0, false);
    if (this.mayReturn(id)) this.returnable++;
    this.trim();
  }

  /** Marks and returns the nearest node whose links were not followed yet; −1 when there is none. */
  expandNearest(): number {
    const at = this.expanded.indexOf(false);
    if (at < 0) return -1;
    this.expanded[at] = true;
    return this.ids[at]!;
  }

  mayReturn(id: number): boolean {
    return !this.admitted || hasBit(this.admitted, id);
  }

  /** Nothing beyond the last entry may enter any more. */
  private get full(): boolean {
    return this.returnable === this.ef || this.ids.length === this.capacity;
  }

  private trim(): void {
    if (this.ids.length > this.capacity) this.drop();
    while (this.returnable > this.ef) this.drop();
    if (this.returnable === this.ef) while (!this.mayReturn(this.ids.at(-1)!)) this.drop();
  }

  private drop(): void {
    if (this.mayReturn(this.ids.at(-1)!)) this.returnable--;
    this.keys.pop();
    this.ids.pop();
    this.expanded.pop();
  }
}

function before(keyA: number, idA: number, keyB: number, idB: number): boolean {
  return keyA < keyB || (keyA === keyB && idA < idB);
}

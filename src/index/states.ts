/** A state that readers hold while another may already be the current one. */
interface Link<S> {
  readonly state: S;
  readers: number;
  /** What this state and those before it use, and the next one does not. */
  garbage: Disposable[];
}

/** The current state of an index, and older ones that somebody still reads; what only those need goes when they do. */
export class States<S> {
  private readonly links: Link<S>[];

  constructor(state: S) {
    this.links = [{ state, readers: 0, garbage: [] }];
  }

  get current(): S {
    return this.links.at(-1)!.state;
  }

  /** The current state, kept until `release` is called. */
  acquire(): { readonly state: S; release(): void } {
    const link = this.links.at(-1)!;
    link.readers++;
    let held = true;
    return {
      state: link.state,
      release: () => {
        if (held) link.readers--;
        held = false;
        this.sweep();
      },
    };
  }

  /** Makes `next` the current state; `garbage` is what only the states before it use. */
  replace(next: S, garbage: readonly Disposable[]): void {
    this.links.at(-1)!.garbage.push(...garbage);
    this.links.push({ state: next, readers: 0, garbage: [] });
    this.sweep();
  }

  /** The oldest states go first: what they use may be garbage of later ones. */
  private sweep(): void {
    while (this.links.length > 1 && this.links[0]!.readers === 0) {
      for (const thing of this.links.shift()!.garbage) thing[Symbol.dispose]();
    }
  }
}

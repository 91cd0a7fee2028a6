/** The text of an index description as its parser walks it: parts between commas, numbers in them, and errors that point. */
import { badArgument, type IsodexError } from '../util/errors.ts';

/** Characters that a description may have: a header that is damaged may say anything. */
const MOST_CHARACTERS = 256;

/** A range of integers, both ends included. */
export type Range = readonly [least: number, most: number];

/** One way in which a part may be written, and how it is read. */
export interface Form<Node> {
  /** What the part is or, where it is open, begins with: 'L2norm', 'HNSW'. */
  readonly head: string;
  /** As errors show it: 'HNSW<M>'. Undefined where it is another name of a part that they show. */
  readonly form: string | undefined;
  /** Whether something may follow the head, which is in capitals then. */
  readonly open: boolean;
  /** Reads what follows the head. */
  readonly read: (text: DescriptionText) => Node;
}

export class DescriptionText {
  readonly text: string;
  /** Where the current part begins, and how far it was read. */
  private begin = 0;
  private at = 0;

  /** Throws 'bad-argument' for what cannot be a description at all. */
  constructor(text: unknown) {
    if (typeof text !== 'string') throw badArgument(`the index description is ${String(text)}; give a string such as 'HNSW32'`);
    if (text === '') throw badArgument("the index description is empty; give one such as 'Flat', 'HNSW32' or 'OPQ32,HNSW16,PQ32'");
    if (text.length > MOST_CHARACTERS) {
      throw badArgument(`the index description is ${text.length} characters long; ${MOST_CHARACTERS} are the most`);
    }
    this.text = text;
    const space = text.search(/[\s\p{Cc}]/u);
    if (space >= 0) throw this.errorAt(space, space + 1, 'there are no spaces in a description');
  }

  /** The current part, '' at the end and where one is missing. */
  get word(): string {
    return this.text.slice(this.begin, this.wordEnd);
  }

  get atEnd(): boolean {
    return this.begin > this.text.length;
  }

  /** Reads the current part where it is one of these, and goes on to the next. */
  take<Node>(forms: readonly Form<Node>[]): Node | undefined {
    const form = formOf(this.word, forms);
    if (!form) return undefined;
    this.at = this.begin + form.head.length;
    const node = form.read(this);
    if (this.at < this.wordEnd) throw this.error('expected a comma or the end');
    this.begin = this.at = this.wordEnd + 1;
    return node;
  }

  /** The number that stands here. */
  number(name: string, [least, most]: Range): number {
    const [digits] = /^\d*/.exec(this.rest)!;
    if (digits === '') throw this.error(`expected ${name}, a number from ${least} to ${most}`);
    if (digits.length > 1 && digits.startsWith('0')) throw this.error('numbers have no zeros in front');
    const value = Number(digits);
    if (value < least || value > most) throw this.errorAt(this.at, this.at + digits.length, `${name} must be from ${least} to ${most}`);
    this.at += digits.length;
    return value;
  }

  /** The number that stands here, unless the part ends here. */
  numberIfAny(name: string, range: Range): number | undefined {
    return this.rest === '' ? undefined : this.number(name, range);
  }

  /** Whether the next characters are these; goes on behind them. */
  skip(characters: string): boolean {
    const found = this.rest.startsWith(characters);
    if (found) this.at += characters.length;
    return found;
  }

  /** The ending that the rest of the part is, or undefined where the part ends here. */
  endingIfAny(endings: readonly string[]): string | undefined {
    const found = this.rest;
    if (found === '') return undefined;
    if (!endings.includes(found)) throw this.error(`expected ${listed([...endings, 'a comma', 'the end'])}`);
    this.skip(found);
    return found;
  }

  /** That the current part is none of those that may stand here, for a reason if there is one to tell. */
  unexpected(forms: readonly Form<unknown>[], mayEnd: boolean, reason?: string): IsodexError {
    const shown = forms.flatMap(({ form }) => form ?? []);
    const expected = listed(mayEnd ? [...shown, 'the end'] : shown);
    const hint = reason === undefined ? hintFor(this.word, forms) : '';
    return this.errorAt(this.begin, this.wordEnd, `${reason ? `${reason}; ` : ''}expected ${expected}${hint}`);
  }

  private get wordEnd(): number {
    const comma = this.text.indexOf(',', this.begin);
    return comma < 0 ? this.text.length : comma;
  }

  private get rest(): string {
    return this.text.slice(this.at, this.wordEnd);
  }

  private error(reason: string): IsodexError {
    return this.errorAt(this.at, this.wordEnd, reason);
  }

  /** An error whose caret is under the character `begin`; what was found there ends at `end`. */
  private errorAt(begin: number, end: number, reason: string): IsodexError {
    const { text } = this;
    const at = Math.min(begin, text.length);
    const shown = text.replace(/[\s\p{Cc}]/gu, ' ');
    return badArgument(
      `the index description '${text}' is not understood at character ${at + 1}, ${this.found(begin, end)}: ${reason}\n  ${shown}\n  ${' '.repeat(at)}^`,
    );
  }

  private found(begin: number, end: number): string {
    const { text } = this;
    if (begin >= text.length) return 'its end';
    const isMissing = begin === end && (begin === 0 || text[begin - 1] === ',');
    return isMissing ? 'where a part is missing' : `'${text.slice(begin, Math.max(end, begin + 1))}'`;
  }
}

/** The form that a part has by what it begins with. */
export function formOf<Node>(word: string, forms: readonly Form<Node>[]): Form<Node> | undefined {
  const [capitals] = /^[A-Z]*/.exec(word)!;
  return forms.find(({ head, open }) => head === (open ? capitals : word));
}

/** 'a, b or c'. */
function listed(things: readonly string[]): string {
  const last = things.at(-1)!;
  return things.length > 1 ? `${things.slice(0, -1).join(', ')} or ${last}` : last;
}

/** What a misspelled part was probably meant to be, as the end of an error. */
function hintFor(word: string, forms: readonly Form<unknown>[]): string {
  const [letters] = /^[A-Za-z]*/.exec(word)!;
  const tail = word.slice(letters.length);
  const guesses = forms.map(({ head, form, open }) => ({
    text: !open ? head : /^\d*$/.test(tail) ? head + tail : form,
    edits: editDistance((open ? letters : word).toLowerCase(), head.toLowerCase()),
    most: head.length < 4 ? 1 : 2,
  }));
  const [best] = guesses.filter(({ edits, most }) => edits <= most).sort((a, b) => a.edits - b.edits);
  return best ? `; did you mean '${best.text}'?${best.edits === 0 ? ' Capitals matter' : ''}` : '';
}

/** Letters to insert, drop, replace or swap with their neighbour to get from `a` to `b` (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2]![j - 2]! + 1 : Infinity;
      row.push(Math.min(replaced, swapped, row[j - 1]! + 1, rows[i - 1]![j]! + 1));
    }
    rows.push(row);
  }
  return rows.at(-1)!.at(-1)!;
}

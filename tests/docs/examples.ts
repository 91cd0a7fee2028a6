/** The examples of a document: fenced blocks of shell commands and of TypeScript. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

export interface Example {
  readonly language: 'sh' | 'ts';
  /** Of its first line in the document. */
  readonly line: number;
  readonly text: string;
}

export function examplesOf(document: string): Example[] {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(/^```(sh|ts)\n(.*?)^```$/gms)].map((match) => ({
    language: match[1] as 'sh' | 'ts',
    line: text.slice(0, match.index).split('\n').length + 1,
    text: match[2]!,
  }));
}

/** The `isodex` commands of a block, as arguments: without comments, lines that go on joined. */
export function commandsOf({ text }: Example): string[][] {
  return text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/\s#\s.*$/, '').trim())
    .filter((line) => line.startsWith('isodex '))
    .map((line) => line.split(/\s+/).slice(1));
}

import { existsSync } from 'node:fs';
import { badArgument } from '../util/errors.ts';

/** A file, and what of it: a dataset, field or column. */
interface PathPart {
  path: string;
  part: string | undefined;
}

/** Splits `file#part` at the last `#`. A file that exists under the whole name wins. */
export function splitPart(name: string): PathPart {
  const at = name.lastIndexOf('#');
  if (at < 1 || existsSync(name)) return { path: name, part: undefined };
  return { path: name.slice(0, at), part: name.slice(at + 1) };
}

/**
 * The part to read of a file: the one in its name or the one in the options.
 *
 * @throws IsodexError `bad-argument` when the two differ, when the part is empty, or when the format has no parts
 */
export function choosePart(path: PathPart, field: string | undefined, format: { name: string; part?: string }): string | undefined {
  if (path.part !== undefined && field !== undefined && path.part !== field) {
    throw badArgument(`${path.path}#${path.part} and the field ${field} name different parts: give one of them`);
  }
  const part = field ?? path.part;
  if (part === undefined) return undefined;
  if (format.part === undefined)
    throw badArgument(`${path.path} is a ${format.name} file, which has no parts to choose from: leave out "${part}"`);
  if (part === '') throw badArgument(`${path.path}# names no part: put the name of ${format.part} after the #`);
  return part;
}

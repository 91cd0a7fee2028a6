/** What benches leave in the folder of `--out`: JSON, text, and pictures where Vega is there to draw them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canDraw, HOW_TO_DRAW } from './vega.ts';

/** Files by their names: text, or what becomes JSON. */
export type Files = Readonly<Record<string, object | string>>;

/** Writes files and says where, and how to get pictures beside them. */
export function write(folder: string, files: Files): void {
  writeData(folder, files);
  if (!canDraw()) console.log(HOW_TO_DRAW);
}

/** The same for a bench that has none. */
export function writeData(folder: string, files: Files): void {
  save(folder, files);
  const paths = Object.keys(files).map((name) => join(folder, name));
  console.log(`\nwritten: ${paths.join(', ')}`);
}

export function save(folder: string, files: Files): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : `${JSON.stringify(content, null, 1)}\n`);
  }
}

/** Drawings as files; none without Vega. */
export async function drawings(draw: () => Promise<Files>): Promise<Files> {
  return canDraw() ? draw() : {};
}

export async function pictures(draw: () => Promise<readonly { readonly name: string; readonly svg: string }[]>): Promise<Files> {
  return drawings(async () => Object.fromEntries((await draw()).map(({ name, svg }) => [`${name}.svg`, svg])));
}

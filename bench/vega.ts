/** Vega and vega-lite, which draw pages and pictures; whoever only measures can do without, so they are optional. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Spec } from 'vega';
import type { TopLevelSpec } from 'vega-lite';

const { resolve } = createRequire(import.meta.url);

export const HOW_TO_DRAW = 'install vega and vega-lite for the page and pictures: npm install --save-dev vega vega-lite';

export function canDraw(): boolean {
  try {
    for (const name of ['vega', 'vega-lite']) resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** What Vega draws, from what vega-lite describes. */
export async function compiled(spec: TopLevelSpec): Promise<Spec> {
  const { compile } = await import('vega-lite');
  return compile(spec).spec;
}

export async function svgOf(spec: TopLevelSpec): Promise<string> {
  const { parse, View } = await import('vega');
  return new View(parse(await compiled(spec)), { renderer: 'none' }).toSVG();
}

/** Vega as one script that puts `vega` on a page's globalThis. */
export function vegaScript(): string {
  return readFileSync(join(dirname(resolve('vega')), 'vega.min.js'), 'utf8');
}

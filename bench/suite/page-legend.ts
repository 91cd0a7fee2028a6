/** Colours and shapes by name; each is a switch that hides what it names, in all charts and the table of its set. */
import { Html, html } from './html.ts';
import { colourOf, dashesOf, kindsOf } from './page-look.ts';
import type { Kind, LaneReport } from './report.ts';

/** The shapes that charts draw, in a box of 12 × 12 at (12, 6). */
const OUTLINES: Readonly<Record<Kind, string>> = {
  Flat: 'M8.5 2.5h7v7h-7z',
  IVF: 'M12 1.8 16.4 9.6H7.6z',
  HNSW: 'M8 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0z',
  'OPQ+HNSW': 'M12 1 16 6 12 11 8 6z',
  codes: 'M10.7 2h2.6v2.7H16v2.6h-2.7V10h-2.6V7.3H8V4.7h2.7z',
};

export function legend(lanes: readonly LaneReport[], contenders: readonly string[]): Html {
  const present = contenders.filter((name) => lanes.some(({ contender }) => contender === name));
  const colours = present.map((name) => toggle(`contender ${name}`, html`<i style="background:${colourOf(name, contenders)}"></i>`, name));
  const kinds = kindsOf(lanes).map((kind) => toggle(`kind ${kind}`, glyph(kind), kind));
  return html`<div class="legend" role="group" aria-label="Show or hide"><span>${colours}</span><span>${kinds}</span></div>`;
}

function toggle(hides: string, sign: Html, name: string): Html {
  return html`<button type="button" aria-pressed="true" data-hides="${hides}">${sign}${name}</button>`;
}

function glyph(kind: Kind): Html {
  const dash = dashesOf([kind])[0]!.join(' ');
  return new Html(
    `<svg width="24" height="12" aria-hidden="true"><path d="M0 6H24" stroke="currentColor" stroke-width="1.25" stroke-dasharray="${dash}"/><path d="${OUTLINES[kind]}" fill="currentColor" stroke="white"/></svg>`,
  );
}

/** HTML by template, in which text is text: what is put in is escaped unless it is HTML already. */

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Part[];

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((all, string, i) => all + textOf(parts[i - 1]!) + string));
}

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return String(part).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** Plain data for a script of the page, in an element of its own; no text in it can end that element. */
export function jsonElement(data: object): Html {
  return new Html(`<script type="application/json">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>`);
}

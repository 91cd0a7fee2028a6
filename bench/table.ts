/** Lines of a table in plain text; the first column is set left, numbers right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, c) => Math.max(...all.map((row) => row[c]!.length)));
  const line = (row: readonly string[]) => row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join('  ');
  return [line(header), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** A number with three significant digits. */
export function three(x: number): string {
  if (!Number.isFinite(x)) return '–';
  const digits = x === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(x))));
  return x.toFixed(Math.min(digits, 6));
}

/** 'median (min – max)' */
export function spread({ median, min, max }: { median: number; min: number; max: number }): string {
  return `${three(median)} (${three(min)}–${three(max)})`;
}

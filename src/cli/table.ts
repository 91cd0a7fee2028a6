/** Text that people read: aligned columns, sizes and times. */

/** Rows under a header, columns two spaces apart. Columns of numbers align to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = header.map((name, column) => {
    const cells = rows.map((row) => row[column] ?? '');
    const width = cells.reduce((most, cell) => Math.max(most, cell.length), name.length);
    const isNumeric = cells.length > 0 && cells.every((cell) => /^([-+]?[\d.,]+(e[-+]?\d+)?( of \d+)?|∞|–|)$/.test(cell));
    return { width, isNumeric };
  });
  const line = (cells: readonly string[]) =>
    columns
      .map(({ width, isNumeric }, i) => (isNumeric ? (cells[i] ?? '').padStart(width) : (cells[i] ?? '').padEnd(width)))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}

/** Lines of `name  value`, the values below one another. */
export function formatFacts(facts: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

export function formatSeconds(seconds: number): string {
  return seconds >= 100 ? seconds.toFixed(0) : seconds >= 1 ? seconds.toFixed(2) : seconds.toFixed(3);
}

/** For estimates: two units at most, seconds as whole ones. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

export function formatMean(values: ArrayLike<number>): string {
  return meanOf(values).toFixed(1);
}

/** Enough digits to tell neighbours apart, without those that f32 does not have. */
export function formatDistance(distance: number): string {
  return distance === Infinity ? '∞' : String(Number(distance.toPrecision(7)));
}

/** Four digits, never a power of ten. */
export function formatRate(rate: number): string {
  return String(Number(rate.toPrecision(4)));
}

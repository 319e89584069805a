import { stripVTControlCharacters } from 'node:util';
import { stringify } from 'yaml';
import { CliError, EXIT } from './io.ts';

/** How a result is written. */
export const FORMATS = ['table', 'wide', 'json', 'yaml'] as const;

/** One of them. */
export type Format = (typeof FORMATS)[number];

/** Returns the format of a name; throws a usage error naming those there are. */
export function formatOf(name: string): Format {
  const found = FORMATS.find((one) => one === name);
  if (found === undefined) throw new CliError(`output ${name}, allowed ${FORMATS.join(', ')}`, EXIT.usage);
  return found;
}

/** Returns a value as a machine reads it; undefined when the format is for people. */
export function machineText(format: Format, value: unknown): string | undefined {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  return format === 'yaml' ? stringify(value) : undefined;
}

const segmenter = new Intl.Segmenter();

/** Returns the characters of a text as a terminal shows them. */
function charactersOf(text: string): string[] {
  return Array.from(segmenter.segment(stripVTControlCharacters(text)), ({ segment }) => segment);
}

/** Returns the width of a text on a terminal, characters. */
export function widthOf(text: string): number {
  return charactersOf(text).length;
}

/** Returns rows under heads, columns aligned, two spaces between them; the last column is not padded. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1
            ? cell
            : cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Returns a number as people read it: three digits a group. */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** Returns how long something took or ago it was, in its two largest units at most. */
export function duration(ms: number): string {
  if (ms < 1000) return `${String(Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes)} min ${String(Math.floor(seconds % 60))} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${String(hours)} h ${String(minutes % 60)} min`;
  return `${String(Math.floor(hours / 24))} d ${String(hours % 24)} h`;
}

/** Returns a line cut to a width, with a sign that it was. */
export function cut(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  const plain = charactersOf(line);
  return `${plain.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

import { readFileSync } from 'node:fs';
import { messageOf } from '../../shared/errors.ts';
import { CliError, EXIT } from './io.ts';

/** Returns the content of a file; throws a usage error when it cannot be read. */
export function fileText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${messageOf(error)}`, EXIT.usage);
  }
}

/** Returns settings given as `alpha=0.05`: numbers where they read as numbers. Throws a usage error for anything else. */
export function pairsOf(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CliError(`${pair}, allowed name=value`, EXIT.usage);
      const text = pair.slice(at + 1);
      const number = text.trim() === '' ? NaN : Number(text);
      const value = text === 'true' ? true : text === 'false' ? false : text === 'null' ? null : text;
      return [pair.slice(0, at), Number.isFinite(number) ? number : value];
    }),
  );
}

/** Returns a whole number of at least one; throws a usage error naming the field otherwise. */
export function wholeNumber(field: string, text: string): number {
  const value = Number(text.replace(/^v/, ''));
  if (!Number.isInteger(value) || value < 1)
    throw new CliError(`${field} ${text}, allowed whole numbers from 1`, EXIT.usage);
  return value;
}

/** Returns a number of seconds, minutes or hours as ms: `90s`, `5m`, `2h`; throws a usage error for anything else. */
export function timeMs(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,6})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factors: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const factor = factors[unit];
  if (factor === undefined)
    throw new CliError(`time ${text}, allowed such as 500ms, 90s, 5m, 2h, 1d`, EXIT.usage);
  return Number(digits) * factor;
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

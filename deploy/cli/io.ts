import { styleText } from 'node:util';

/** What a command has of the world around it. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person watches: lines may be drawn again, and colours are understood. */
  readonly isTerminal: boolean;
  /** Width of the terminal, characters. */
  readonly columns: () => number;
  readonly nowMs: () => number;
  /** Resolves after a time, or at once when the command is interrupted. */
  readonly pause: (ms: number) => Promise<void>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** What went wrong, in words for the person at the terminal, and the exit code that says of what kind it is. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** Exit codes: a script can tell what happened. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** A colour by meaning. */
export type Tone = 'good' | 'bad' | 'busy' | 'quiet' | 'strong';

const STYLES = { good: 'green', bad: 'red', busy: 'yellow', quiet: 'gray', strong: 'bold' } as const;

/** Writes a text in a tone. */
export type Paint = (tone: Tone, text: string) => string;

/** Returns how to paint: not at all where colours are not wanted or not understood. */
export function painter(isColoured: boolean): Paint {
  return isColoured
    ? (tone, text) => styleText(STYLES[tone], text, { validateStream: false })
    : (_tone, text) => text;
}

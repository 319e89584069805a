import type { InputColumns, PublishedOutput } from '../domain/published-model.ts';

/** What a sandbox is asked. */
export type SandboxAsk =
  /** Answered with an `InspectedGraph`. */
  | { readonly kind: 'inspect'; readonly file: Uint8Array }
  /** Loads the file into ONNX Runtime, in place of the one before. Answered with nothing. */
  | { readonly kind: 'load'; readonly file: Uint8Array; readonly output: PublishedOutput }
  /** Scores rows with the file that was loaded. Answered with `SandboxScores`. */
  | { readonly kind: 'score'; readonly columns: readonly InputColumns[] };

/** What a run gave: the output's column, one number a row, and how long the run took. */
export interface SandboxScores {
  readonly scores: Float64Array;
  readonly durationMs: number;
}

/** An ask as it goes to the child, and the child's answer to it. */
export interface SandboxRequest {
  readonly id: number;
  readonly ask: SandboxAsk;
}

/** What the child says. */
export type SandboxReply =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly fault: string };

/** What the watching thread writes to stderr before it ends the process. */
export const TOO_MUCH_MEMORY = 'headrace: too much memory';

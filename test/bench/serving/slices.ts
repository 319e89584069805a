import { quantile } from '../../support/figures.ts';
import { cpuSecondsOf } from '../../support/process-cpu.ts';
import type { Load, Target } from './target.ts';

/** For how long a server is loaded before anything counts, s: code is compiled, and heaps find their size. */
export const WARM_UP_SECONDS = 10;

/** A server under measurement. */
export interface Side {
  readonly name: string;
  readonly pid: number;
  readonly target: Target;
}

/** What one slice of load on one side showed. */
export interface Slice {
  readonly side: string;
  readonly answered: number;
  readonly failed: number;
  /** Processor time of the server's whole process, a request, µs. */
  readonly cpuMicros: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const rounded = (number: number, digits: number): number => Number(number.toFixed(digits));

/** Returns what a load on a side showed. */
export async function sliceOf(side: Side, load: (target: Target) => Promise<Load>): Promise<Slice> {
  const before = cpuSecondsOf(side.pid);
  const { answered, failed, seconds, latenciesMs } = await load(side.target);
  const cpuSeconds = cpuSecondsOf(side.pid) - before;
  return {
    side: side.name,
    answered,
    failed,
    cpuMicros: rounded((1e6 * cpuSeconds) / answered, 2),
    requestsPerSecond: Math.round(answered / seconds),
    p50Ms: rounded(quantile(latenciesMs, 0.5), 3),
    p99Ms: rounded(quantile(latenciesMs, 0.99), 3),
  };
}

/** Returns the slices of so many rounds, every side in turn in each, beginning with another side every time. */
export async function rotate(
  sides: readonly Side[],
  rounds: number,
  load: (target: Target) => Promise<Load>,
  say: (line: string) => void,
): Promise<Slice[][]> {
  const done: Slice[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const slices: Slice[] = [];
    for (let turn = 0; turn < sides.length; turn += 1) {
      const side = sides[(round + turn) % sides.length];
      if (side !== undefined) slices.push(await sliceOf(side, load));
    }
    for (const one of slices) {
      const times = `${one.p50Ms.toFixed(2)} / ${one.p99Ms.toFixed(2)} ms`;
      say(
        `round ${String(round + 1)} ${one.side.padEnd(16)} ${one.cpuMicros.toFixed(1)} µs, ${String(one.requestsPerSecond)}/s, p50 / p99 ${times}`,
      );
    }
    done.push(slices);
  }
  return done;
}

/** Returns the middle of one figure of one side, or of several, over the rounds, the upper one of two; NaN when there is none. */
export function middle(
  rounds: readonly Slice[][],
  sides: string | readonly string[],
  of: (slice: Slice) => number,
): number {
  const values = rounds
    .flat()
    .filter(({ side }) => (typeof sides === 'string' ? side === sides : sides.includes(side)))
    .map(of)
    .sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? NaN;
}

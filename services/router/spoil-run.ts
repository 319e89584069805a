import type { Spoiling } from './domain/injected-failures.ts';
import type { ScoredRows, VersionPorts } from './ports.ts';

/** How long a run that hangs takes, ms. */
const HANG_MS = 500;
/** What a run takes that eats memory: some 4 MB of objects and as much of bytes. */
const EATEN_OBJECTS = 100_000;
const EATEN_BYTES = 4 * 1024 * 1024;

/** Returns what a run takes that eats memory. */
export function eatMemory(): unknown {
  return [Array.from({ length: EATEN_OBJECTS }, (_, at) => ({ at })), new Uint8Array(EATEN_BYTES).fill(1)];
}

/** Returns what a run gave, spoiled: in proofs alone. */
export async function spoilRun(
  how: Exclude<Spoiling, 'memory'>,
  scoring: ScoredRows | Promise<ScoredRows>,
  after: VersionPorts['after'],
): Promise<ScoredRows> {
  const { scores, durationMs } = await scoring;
  switch (how) {
    case 'hang':
      await new Promise<void>((resolve) => after(HANG_MS, resolve));
      return { scores, durationMs: durationMs + HANG_MS };
    case 'nan':
      return { scores: Float32Array.from(scores, () => NaN), durationMs };
  }
}

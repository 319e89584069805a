import type { Spoiling } from './domain/injected-failures.ts';
import type { ScoredRows, VersionPorts } from './ports.ts';

/** How long a run that hangs takes, ms. */
const HANG_MS = 500;
/** Objects that a run makes which eats memory: some 1 MB. */
const SCRATCH_OBJECTS = 25_000;

/** Returns what a run gave, spoiled: in proofs alone. */
export async function spoilRun(
  how: Spoiling,
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
    case 'memory': {
      const scratch = Array.from({ length: SCRATCH_OBJECTS }, (_, at) => ({ at }));
      return { scores, durationMs: scratch.length > 0 ? durationMs : 0 };
    }
  }
}

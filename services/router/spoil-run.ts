import type { Spoiling } from './domain/injected-failures.ts';
import type { ScoredRows, VersionPorts } from './ports.ts';

/** How long a run that hangs takes, ms. */
const HANG_MS = 500;
/** What a run takes that eats memory, bytes. */
const SCRATCH_BYTES = 4_194_304;

/** Kept until the next run, so that it is taken indeed. */
let scratch = new Uint8Array();

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
    case 'memory':
      scratch = new Uint8Array(SCRATCH_BYTES).fill(1);
      return { scores, durationMs: durationMs * (scratch[0] ?? 1) };
  }
}

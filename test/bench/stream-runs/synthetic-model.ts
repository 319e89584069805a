import { createRng } from '../../../shared/domain/rng.ts';
import type { ProducedEvent } from '../../../shared/events/training-event-encoder.ts';

const VALUES_PER_FEATURE = 2000;

/** Returns the spec of a model with so many categorical features. */
export function wideModel(name: string, features: number, tableBits: number): object {
  return {
    name,
    features: Array.from({ length: features }, (_, at) => ({ name: `f${String(at)}`, type: 'categorical' })),
    learner: { tableBits, alpha: 0.1 },
    label: { windowMs: 3_600_000 },
  };
}

/** Yields seeded events of such a model; each feature has a few thousand values, some of them frequent. */
export function* wideEvents(count: number, features: number, seed: number): Generator<ProducedEvent> {
  const rng = createRng(seed);
  for (let index = 0; index < count; index += 1) {
    const values: Record<string, string> = {};
    for (let at = 0; at < features; at += 1) {
      const skewed = Math.floor(VALUES_PER_FEATURE * rng.next() * rng.next());
      values[`f${String(at)}`] = `value-${String(skewed)}`;
    }
    yield {
      id: `event-${String(index)}`,
      subject: `subject-${String(index % 1000)}`,
      eventTimeMs: 1_790_000_000_000 + index,
      features: values,
      label: rng.next() < 0.4 ? 1 : 0,
    };
  }
}

import type { ShardMonitor } from '../../../services/monitor/domain/shard-monitor.ts';
import type { Prediction, Scores, TrainingEvents } from '../../../shared/domain/events.ts';
import { createRng } from '../../../shared/domain/rng.ts';

/** One record of one of the monitored topics. */
export type MonitoredRecord = (monitor: ShardMonitor) => void;

/** Returns a prediction of version 1 with scores of versions 1 and 2. */
export function answered(id: string, more: Partial<Prediction> = {}): Prediction {
  return {
    id,
    predictedAtMs: 1000,
    subject: 's',
    features: [],
    planVersion: 1,
    assignedArm: 'stable',
    servedVersion: 1,
    assignmentProbability: 1,
    position: 0,
    learnedToMs: null,
    stalenessMs: 5,
    latencyMicros: 300,
    scores: [
      { version: 1, score: 0.8, scoringMicros: 20, failed: false },
      { version: 2, score: null, scoringMicros: -1, failed: true },
    ],
    ...more,
  };
}

/** What a training record says besides its predictions. */
interface LabelOfRecord {
  readonly label?: number;
  /** Null for a default label. */
  readonly labelledAtMs?: number | null;
  readonly watermarkMs?: number | null;
}

/** Returns a training record of joined predictions. */
export function joinedRecord(
  predictions: readonly Prediction[],
  { label = 1, labelledAtMs = 1500, watermarkMs = null }: LabelOfRecord = {},
): TrainingEvents {
  return {
    model: 'clicks',
    shard: 0,
    featureNames: [],
    watermarkMs,
    events: predictions.map((prediction) => ({
      id: prediction.id,
      eventTimeMs: prediction.predictedAtMs,
      subject: prediction.subject,
      features: [],
      label,
      weight: 1,
      labelSource: labelledAtMs === null ? 'default' : 'label',
      served: { ...prediction, predictionId: prediction.id, labelledAtMs },
    })),
  };
}

/** Returns the scores of one training record. */
export function scoresRecord(position: number, scores: readonly (number | null)[], label = 1): Scores {
  return {
    model: 'clicks',
    shard: 0,
    position,
    versions: scores.map((_score, index) => index + 1),
    watermarkMs: null,
    events: [
      { eventId: `event-${String(position)}`, eventTimeMs: 0, label, weight: 1, scores, served: false },
    ],
    runs: [],
  };
}

/** Returns a seeded stream of records of all three topics, with repeats, defaults and failures. */
export function monitorStream(count: number, seed: number): MonitoredRecord[] {
  const rng = createRng(seed);
  let offset = 0;
  return Array.from({ length: count }, (_, index): MonitoredRecord => {
    const recordTimeMs = 1_790_000_000_000 + 40 * index;
    const prediction = answered(`0~${String(rng.int(count))}`, {
      assignedArm: rng.next() < 0.3 ? 'candidate' : 'stable',
      servedVersion: 1 + rng.int(3),
      position: index - rng.int(5),
      latencyMicros: Math.floor(rng.next() * 90_000),
      stalenessMs: rng.int(50) - 1,
      scores: [
        { version: 3, score: rng.next(), scoringMicros: rng.int(900), failed: false },
        {
          version: 1,
          score: rng.next() < 0.1 ? null : rng.next(),
          scoringMicros: -1,
          failed: rng.next() < 0.1,
        },
      ],
    });
    const kind = rng.int(3);
    if (kind === 0) return (monitor) => monitor.takePredictions(batchOf([prediction]), recordTimeMs);
    if (kind === 1) {
      const label = {
        label: rng.int(2),
        labelledAtMs: rng.int(4) === 0 ? null : 1000 + rng.int(5000),
        watermarkMs: index,
      };
      offset += 1;
      const at = offset;
      return (monitor) => monitor.takeTrainingEvents(joinedRecord([prediction], label), at, recordTimeMs);
    }
    const scores = scoresRecord(Math.max(0, index - rng.int(3)), [rng.next(), null, rng.next()], rng.int(2));
    return (monitor) => monitor.takeScores(scores, recordTimeMs);
  });
}

/** Returns a record of `predictions.v1`. */
export function batchOf(predictions: readonly Prediction[]): Parameters<ShardMonitor['takePredictions']>[0] {
  return { model: 'clicks', shard: 0, featureNames: [], router: 'r', predictions };
}

/** Returns every section's bytes. */
export function bytesOfMonitor(monitor: ShardMonitor): Map<string, Uint8Array> {
  return new Map(monitor.sections().map((section) => [section.name, Uint8Array.from(section.bytes())]));
}

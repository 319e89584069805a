import { createCodec } from '../../shared/events/codec.ts';
import type {
  RolloutState,
  ValidationReport,
  VerdictEvidence,
  VerdictValue,
} from '../../shared/domain/rollout.ts';
import { createRecordProducer } from '../../shared/kafka/producer.ts';
import { followTopic } from '../../shared/kafka/topic-follower.ts';
import type { System } from './system.ts';

const FIGURES = {
  logLossNats: 0.5,
  precision: null,
  recall: null,
  calibrationErrorRate: 0.01,
  scoringP99Micros: null,
};
const PASSED: ValidationReport = { examples: 2000, candidate: FIGURES, baseline: FIGURES, faults: [] };

/** Speaks for the monitor of a system that has none. */
export interface VerdictWriter {
  /** Writes a verdict on the present stage of a rollout, with more data than any policy asks for. */
  write(model: string, rollout: RolloutState, value: VerdictValue, because?: string): Promise<void>;
  /** Returns how many verdicts a follower reads that begins at a time. */
  count(sinceMs: number): Promise<number>;
  close(): Promise<void>;
}

/** Opens a writer of verdicts.v1. */
export async function openVerdictWriter(system: System): Promise<VerdictWriter> {
  const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
  await codec.prepare(['verdicts.v1']);
  const producer = await createRecordProducer(system.kafka, codec);
  return {
    async write(model, rollout, value, because = `a test says ${value}`) {
      const { rolloutId, stage, stagePlanVersion: planVersion, candidate } = rollout;
      const evidence: VerdictEvidence = {
        rolloutId,
        stage,
        because,
        source: 'served',
        streams: [],
        examples: 1e6,
        stageExamples: 1e6,
        requests: 1e6,
        waiting: 0,
        maturity: 1,
        isLabelledOnly: false,
        examplesNeeded: null,
        waitMs: null,
        validation: PASSED,
        positions: {},
      };
      const verdict = { model, rolloutId, step: stage, planVersion, candidate, value, atMs: Date.now() };
      await producer.send([
        {
          topic: 'verdicts.v1',
          key: model,
          partition: 0,
          value: { ...verdict, evidence: JSON.stringify(evidence) },
        },
      ]);
    },
    async count(sinceMs) {
      let count = 0;
      const follower = await followTopic({
        topic: 'verdicts.v1',
        kafka: system.kafka,
        codec,
        sinceMs,
        onRecord: () => (count += 1),
        onFatal: (error) => {
          throw error;
        },
      });
      await follower.caughtUp;
      await follower.stop();
      return count;
    },
    close: () => producer.close(),
  };
}

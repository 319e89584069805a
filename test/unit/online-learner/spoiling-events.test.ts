import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordApplier } from '../../../services/online-learner/domain/apply-record.ts';
import type { AppliedRecords } from '../../../services/online-learner/domain/applied-records.ts';
import { ShardLearner } from '../../../services/online-learner/domain/shard-learner.ts';
import type { TrainingEvent, TrainingEvents } from '../../../shared/domain/events.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { parseModelSpec } from '../../../services/registry/adapters/model-spec-parser.ts';

const SPEC = ((): ModelSpec => {
  const parsed = parseModelSpec(
    JSON.stringify({
      name: 'spoiled',
      features: [
        { name: 'colour', type: 'categorical' },
        { name: 'shop', type: 'categorical' },
        { name: 'amount', type: 'numeric' },
      ],
      crosses: [['colour', 'shop']],
      learner: { tableBits: 10 },
    }),
  );
  if (!parsed.ok) throw new TypeError(JSON.stringify(parsed.faults));
  return parsed.value;
})();

function event(index: number, more: Partial<TrainingEvent> = {}): TrainingEvent {
  const isRed = index % 2 === 0;
  return {
    id: `event-${String(index)}`,
    eventTimeMs: 1_790_000_000_000 + index,
    subject: 'somebody',
    features: [isRed ? 'red' : 'blue', `shop-${String(index % 3)}`, index % 7],
    label: isRed ? 1 : 0,
    weight: 1,
    labelSource: 'producer',
    served: null,
    ...more,
  };
}

function record(events: readonly TrainingEvent[]): TrainingEvents {
  return {
    model: 'spoiled',
    shard: 0,
    featureNames: ['colour', 'shop', 'amount'],
    watermarkMs: null,
    events,
  };
}

function apply(learner: ShardLearner, events: readonly TrainingEvent[]): AppliedRecords {
  const place = { offset: learner.position, timestampMs: 1_790_000_000_000 };
  return new RecordApplier(learner, SPEC).apply(record(events), place);
}

function learned(): ShardLearner {
  const learner = new ShardLearner(SPEC);
  learner.birth(1, SPEC.learner, { mode: 'cold' });
  learner.birth(2, { ...SPEC.learner, alpha: 0.5 }, { mode: 'cold' });
  apply(
    learner,
    Array.from({ length: 500 }, (_, index) => event(index)),
  );
  return learner;
}

/** Everything that a prediction or an update is made from. */
function knowledge(learner: ShardLearner): Record<string, Uint8Array> {
  const kept = learner.sections().filter(({ name }) => /\/(w|z|n|scaler|metrics|fence)$/.test(name));
  return Object.fromEntries(kept.map((section) => [section.name, section.bytes().slice()]));
}

const SPOILING: readonly (readonly [string, Partial<TrainingEvent>, RegExp])[] = [
  [
    'a value of 1e9',
    { features: ['red', 'shop-1', 1e9] },
    /feature amount: value 1000000000 is .* deviations/,
  ],
  ['NaN where a cross is made', { features: [NaN, 'shop-1', 3] }, /feature colour: number NaN, allowed/],
  [
    'a value that is not a number',
    { features: ['red', 'shop-1', NaN] },
    /feature amount: number NaN, allowed/,
  ],
  ['a label with a million times the weight', { label: 0, weight: 1e6 }, /weight 1000000, allowed/],
];

for (const [what, more, reason] of SPOILING) {
  test(`${what} changes nothing but a counter and a dead letter, and the events beside it are learned`, () => {
    const [spoiled, clean] = [learned(), learned()];
    const before = knowledge(spoiled);
    const alone = apply(spoiled, [event(9000, more)]);
    assert.equal(alone.refused.length, 1);
    assert.match(alone.refused[0]?.refusal.detail ?? '', reason);
    assert.deepEqual([alone.learned, alone.halted], [0, []]);
    assert.deepEqual(knowledge(spoiled), before);
    const among = apply(spoiled, [event(9001), event(9002, more), event(9003)]);
    apply(clean, [event(9001), event(9003)]);
    assert.equal(among.learned, 2);
    assert.deepEqual(knowledge(spoiled), knowledge(clean));
  });
}

test('each version has fences of its own, which follow what it has learned and can be looked at', () => {
  const learner = learned();
  learner.halt(1);
  apply(
    learner,
    Array.from({ length: 200 }, (_, index) => event(1000 + index, { weight: 900 })),
  );
  const [usual, heavy] = [learner.learner(1).fences(), learner.learner(2).fences()];
  assert.ok((usual.leverageMax ?? 0) > 1000 && (usual.leverageMax ?? Infinity) < 10_000);
  assert.ok((heavy.leverageMax ?? 0) > 100_000);
  const [low, high] = usual.values['amount'] ?? [0, 0];
  assert.ok(low < -100 && low > -300 && high > 100 && high < 300);
});

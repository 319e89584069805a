import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLearner, parseModelSpec } from '../../../services/registry/adapters/model-spec-parser.ts';
import { specFaults } from '../../../services/registry/domain/spec-faults.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import { clickSpec, learner } from './registry-world.ts';

function fieldsOf(text: string): string[] {
  const parsed = parseModelSpec(text);
  return parsed.ok ? [] : parsed.faults.map(({ field }) => field);
}

const MINIMAL = { name: 'clicks', features: [{ name: 'colour', type: 'categorical' }] };
const WHOLE = {
  ...MINIMAL,
  task: 'binary-classification',
  shards: 1,
  crosses: [],
  label: { windowMs: 86_400_000, onWindowEnd: 'drop', defaultLabel: 0 },
  learner: { kind: 'ftrl-logistic', tableBits: 18, alpha: 0.1, beta: 1, l1: 0, l2: 0 },
  snapshots: { minIntervalMs: 5 },
  predictionLog: 'async',
  rollout: DEFAULT_ROLLOUT_POLICY,
};

test('JSON and YAML of one spec are the same, what is left out takes its default', () => {
  assert.deepEqual(parseModelSpec(JSON.stringify(MINIMAL)), { ok: true, value: WHOLE });
  const yaml =
    'name: clicks # a comment\nfeatures:\n  - { name: colour, type: categorical }\nlearner:\n  alpha: 0.5\n';
  const value = { ...WHOLE, learner: { ...WHOLE.learner, alpha: 0.5 } };
  assert.deepEqual(parseModelSpec(yaml), { ok: true, value });
  assert.deepEqual(parseModelSpec(JSON.stringify(WHOLE)), { ok: true, value: WHOLE });
});

test('every fault is told at once, by its path', () => {
  const fields = fieldsOf(
    JSON.stringify({
      name: 'Clicks!',
      shards: 2,
      features: [
        { name: '1st', type: 'text' },
        { name: 'a', type: 'categorical', extra: 1 },
      ],
      crosses: [['a']],
      label: { windowMs: 1, onWindowEnd: 'keep', defaultLabel: 2 },
      learner: { kind: 'svm', tableBits: 7, alpha: 0, beta: -1, l1: 1001 },
      snapshots: { minIntervalMs: 1.5 },
      predictionLog: 'never',
    }),
  );
  for (const field of [
    'name',
    'shards',
    'features.0.name',
    'features.0.type',
    'crosses.0',
    'label.windowMs',
    'label.onWindowEnd',
    'label.defaultLabel',
    'learner.kind',
    'learner.tableBits',
    'learner.alpha',
    'learner.beta',
    'learner.l1',
    'snapshots.minIntervalMs',
    'predictionLog',
  ]) {
    assert.ok(fields.includes(field), `${field} is missing in ${fields.join(', ')}`);
  }
});

test('a fault names the value and what is allowed', () => {
  const parsed = parseModelSpec(JSON.stringify({ ...MINIMAL, learner: { tableBits: 7 } }));
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.faults.map(({ field }) => field),
    ['learner.tableBits'],
  );
  assert.match(parsed.faults[0]?.message ?? '', /^7 .*8/);
});

for (const [what, text] of [
  ['nothing', ''],
  ['a scalar', 'clicks'],
  ['a list', '[]'],
  ['broken YAML', 'name: [clicks'],
  ['two documents', 'name: a\n---\nname: b'],
  ['a key given twice', 'name: a\nname: b'],
] as const) {
  test(`${what} is refused as a body`, () => assert.ok(fieldsOf(text).length > 0));
}

test('a YAML bomb is refused before it grows', () => {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const items =
      level === 0 ? '"lol"' : Array.from({ length: 9 }, () => `*l${String(level - 1)}`).join(', ');
    return `l${String(level)}: &l${String(level)} [${items}]`;
  });
  assert.deepEqual(fieldsOf(levels.join('\n')), ['(body)']);
});

test('features of a spec have names of their own, crosses join declared features that are not numbers', () => {
  const spec = {
    ...clickSpec,
    features: [
      { name: 'a', type: 'categorical' },
      { name: 'a', type: 'boolean' },
      { name: 'n', type: 'numeric' },
      { name: 'b', type: 'boolean' },
    ],
    crosses: [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'n'],
      ['b', 'nobody'],
      ['b', 'b'],
    ],
  } as const;
  assert.deepEqual(
    specFaults(spec).map(({ field, message }) => `${field} ${message}`),
    [
      'features.1.name "a" is declared twice',
      'crosses.1 is declared twice',
      'crosses.2 "n" is numeric, allowed categorical and boolean',
      'crosses.3 "nobody" is not a declared feature',
      'crosses.4 names a feature twice',
    ],
  );
  assert.deepEqual(specFaults(clickSpec), []);
});

test('faults between fields are told by the parser too', () => {
  assert.deepEqual(fieldsOf(JSON.stringify({ ...MINIMAL, crosses: [['colour', 'shape']] })), ['crosses.0']);
});

test('a learner takes what is given over its base, and refuses what is not a learner', () => {
  assert.deepEqual(parseLearner({ alpha: 0.7 }, learner), { ok: true, value: { ...learner, alpha: 0.7 } });
  assert.deepEqual(parseLearner({}, learner), { ok: true, value: learner });
  for (const given of [null, [], 'fast']) assert.equal(parseLearner(given, learner).ok, false);
  const parsed = parseLearner({ alpha: 1000, tableBits: 99 }, learner);
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.faults.map(({ field }) => field).sort(), ['learner.alpha', 'learner.tableBits']);
});

test('a rollout policy takes what is given over its defaults', () => {
  const rollout = { stepsBp: [500, 10_000], guards: { failureMarginRate: 0.2 }, holdMinMs: 0 };
  const parsed = parseModelSpec(JSON.stringify({ ...MINIMAL, rollout }));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.value.rollout, {
    ...DEFAULT_ROLLOUT_POLICY,
    ...rollout,
    guards: { ...DEFAULT_ROLLOUT_POLICY.guards, failureMarginRate: 0.2 },
  });
  const recall = { thresholdProbability: 0.5, marginRate: 0.02 };
  const withRecall = parseModelSpec(JSON.stringify({ ...MINIMAL, rollout: { objectives: { recall } } }));
  assert.ok(withRecall.ok, JSON.stringify(withRecall));
  assert.deepEqual(withRecall.value.rollout?.objectives.recall, recall);
});

test('every fault of a rollout policy is told at once, by its path', () => {
  const outside = fieldsOf(
    JSON.stringify({
      ...MINIMAL,
      rollout: {
        alpha: 0.6,
        stepsBp: [],
        objectives: { loss: { promoteMarginNats: 0 }, accuracy: { thresholdProbability: 1 } },
        guards: { tailMarginRate: 2, colour: 'red' },
        holdMinMs: -1,
        monitorSilenceMaxMs: 9999,
        triesMax: 0,
        onNewerCandidate: 'fight',
        evidenceFrom: 'nowhere',
        leaseMs: 999,
      },
    }),
  );
  for (const field of [
    'alpha',
    'stepsBp',
    'objectives.loss.promoteMarginNats',
    'objectives.accuracy',
    'guards',
    'guards.tailMarginRate',
    'holdMinMs',
    'monitorSilenceMaxMs',
    'triesMax',
    'onNewerCandidate',
    'evidenceFrom',
    'leaseMs',
  ]) {
    assert.ok(outside.includes(`rollout.${field}`), `${field} is missing in ${outside.join(', ')}`);
  }
});

test('a rollout policy at odds with itself is refused with every reason', () => {
  const rollout = {
    ...DEFAULT_ROLLOUT_POLICY,
    stepsBp: [100, 100, 50],
    objectives: {
      ...DEFAULT_ROLLOUT_POLICY.objectives,
      loss: { promoteMarginNats: 0.02, rollbackMarginNats: 0.01 },
    },
    holdMinMs: 5000,
    holdMaxMs: 1000,
  };
  assert.deepEqual(
    specFaults({ ...clickSpec, rollout }).map(({ field, message }) => `${field} ${message}`),
    [
      'rollout.stepsBp.1 100, allowed more than the step before, 100',
      'rollout.stepsBp.2 50, allowed more than the step before, 100',
      'rollout.stepsBp ends in 50, allowed 10000: the last step is everybody',
      'rollout.objectives.loss.rollbackMarginNats 0.01, allowed at least promoteMarginNats 0.02: else one truth promotes and rolls back',
      'rollout.holdMaxMs 1000, allowed at least holdMinMs 5000',
      'rollout.holdMaxMs 1000, allowed more than label.windowMs 1000: no pair counts before its label window has closed',
    ],
  );
  assert.deepEqual(specFaults({ ...clickSpec, rollout: DEFAULT_ROLLOUT_POLICY }), []);
  const atOnce = { ...DEFAULT_ROLLOUT_POLICY, holdMinMs: 0, holdMaxMs: 1000, isLabelDelayIndependent: true };
  assert.deepEqual(specFaults({ ...clickSpec, rollout: atOnce }), []);
});

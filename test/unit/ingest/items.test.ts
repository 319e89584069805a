import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEvent } from '../../../services/ingest/domain/parse-event.ts';
import { parseLabel } from '../../../services/ingest/domain/parse-label.ts';
import { watermarkOf } from '../../../services/ingest/domain/watermark.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { modelState } from './join-world.ts';

const NOW_MS = 1_790_000_000_000;
const { spec } = modelState('clicks');
const EVENT = { subject: 'ada', features: { colour: 'red' }, label: 1 };
const LABEL = { predictionId: '0~a', label: 1 };

function event(item: unknown, of: ModelSpec = spec): unknown {
  const parsed = parseEvent(item, of, { nowMs: NOW_MS, newId: () => 'made' });
  return parsed.ok ? parsed.value : `${parsed.fault.field}: ${parsed.fault.message}`;
}
function label(item: unknown): unknown {
  const parsed = parseLabel(item, spec, NOW_MS);
  return parsed.ok ? parsed.value : `${parsed.fault.field}: ${parsed.fault.message}`;
}

test('an event takes its defaults and its features in the order of the spec', () => {
  assert.deepEqual(event({ ...EVENT, features: { isNew: false, colour: 'red' } }), {
    id: 'made',
    eventTimeMs: NOW_MS,
    subject: 'ada',
    features: ['red', null, false],
    label: 1,
    weight: 1,
    labelSource: 'event',
    served: null,
  });
});

test('an event keeps what it says', () => {
  const said = { ...EVENT, id: 'mine', eventTimeMs: 0, weight: 0.5, label: 0 };
  assert.partialDeepStrictEqual(event(said), { id: 'mine', eventTimeMs: 0, weight: 0.5, label: 0 });
});

const BAD_EVENTS: readonly [unknown, RegExp][] = [
  [null, /^\(item\): null is not an object/],
  [[EVENT], /^\(item\): .* is not an object/],
  ['text', /^\(item\): "text" is not an object/],
  [{ ...EVENT, colour: 'red' }, /^colour: is not a field, allowed id, /],
  [{ ...EVENT, id: '' }, /^id: has 0 characters, allowed 1 … 128/],
  [{ ...EVENT, id: null }, /^id: null is not a string/],
  [{ ...EVENT, id: 'x'.repeat(129) }, /^id: has 129 characters/],
  [{ ...EVENT, id: '\ud800' }, /^id: is not well-formed Unicode/],
  [{ ...EVENT, subject: undefined }, /^subject: undefined is not a string/],
  [{ ...EVENT, subject: 'x'.repeat(257) }, /^subject: has 257 characters, allowed 1 … 256/],
  [
    { ...EVENT, eventTimeMs: NOW_MS + 300_001 },
    /^eventTimeMs: \d+ is 300001 ms in the future, allowed 300000/,
  ],
  [{ ...EVENT, eventTimeMs: -1 }, /^eventTimeMs: -1 is not a whole number/],
  [{ ...EVENT, eventTimeMs: 1.5 }, /^eventTimeMs: 1.5 is not a whole number/],
  [{ ...EVENT, eventTimeMs: '2026-01-01' }, /^eventTimeMs: "2026-01-01" is not/],
  [{ ...EVENT, label: 2 }, /^label: 2, allowed 0 or 1/],
  [{ ...EVENT, label: true }, /^label: true, allowed 0 or 1/],
  [{ ...EVENT, weight: 0 }, /^weight: 0, allowed \(0, 1000\]/],
  [{ ...EVENT, weight: 1000.1 }, /^weight: 1000.1, allowed/],
  [{ ...EVENT, features: null }, /^features: null is not an object/],
  [{ ...EVENT, features: { color: 'red' } }, /^features.color: is not a feature of the model/],
  [{ ...EVENT, features: { size: 'big' } }, /^features.size: string "big", allowed a finite number/],
  [{ ...EVENT, features: { isNew: 1 } }, /^features.isNew: number 1, allowed true or false/],
  [{ ...EVENT, features: { colour: '\udc00' } }, /^features.colour: is not well-formed Unicode/],
];
for (const [item, words] of BAD_EVENTS) {
  test(`the event ${JSON.stringify(item).slice(0, 90)} is refused`, () => {
    assert.match(String(event(item)), words);
  });
}

test('a feature whose name every object has is missing when it was not sent', () => {
  const odd: ModelSpec = {
    ...spec,
    features: [
      { name: 'constructor', type: 'categorical' },
      { name: 'toString', type: 'categorical' },
    ],
  };
  assert.partialDeepStrictEqual(event({ ...EVENT, features: {} }, odd), { features: [null, null] });
  assert.partialDeepStrictEqual(event({ ...EVENT, features: { toString: 'x' } }, odd), {
    features: [null, 'x'],
  });
});

test('a label names a prediction, or a subject and the client’s own id', () => {
  const told = { label: 1, observedAtMs: NOW_MS, source: '' };
  assert.deepEqual(label(LABEL), { predictionId: '0~a', ...told });
  assert.deepEqual(label({ subject: 'ada', id: 'mine', label: 1 }), { predictionId: '0~mine', ...told });
  assert.deepEqual(label({ ...LABEL, label: 0, observedAtMs: 5, source: 'billing' }), {
    predictionId: '0~a',
    label: 0,
    observedAtMs: 5,
    source: 'billing',
  });
});

const BAD_LABELS: readonly [unknown, RegExp][] = [
  [7, /^\(item\): 7 is not an object/],
  [{ label: 1 }, /^predictionId: is missing; or give subject and id/],
  [{ ...LABEL, predictionId: 5 }, /^predictionId: 5 is not a string/],
  [{ ...LABEL, predictionId: 'a' }, /^predictionId: "a" is not a prediction id/],
  [{ ...LABEL, predictionId: '1~a' }, /^predictionId: shard 1, allowed 0 … 0/],
  [{ id: 'mine', label: 1 }, /^subject: undefined is not a string/],
  [{ subject: 'ada', id: 'ä', label: 1 }, /^id: "ä" has characters other than printable ASCII/],
  [{ subject: 'ada', id: 'x'.repeat(121), label: 1 }, /^id: has 121 characters, allowed 1 … 120/],
  [{ ...LABEL, label: 0.5 }, /^label: 0.5, allowed 0 or 1/],
  [{ ...LABEL, observedAtMs: NOW_MS + 300_001 }, /^observedAtMs: .* in the future/],
  [{ ...LABEL, source: 'x'.repeat(65) }, /^source: .* at most 64 characters/],
  [{ ...LABEL, value: 1 }, /^value: is not a field/],
];
for (const [item, words] of BAD_LABELS) {
  test(`the label ${JSON.stringify(item).slice(0, 90)} is refused`, () => {
    assert.match(String(label(item)), words);
  });
}

const topic = fc.record({ eventTimeMs: fc.nat(), isAtEnd: fc.boolean() });

test('the watermark never falls when more is consumed of either topic', () => {
  fc.assert(
    fc.property(topic, topic, fc.nat(), fc.nat(), (predictions, labels, more, other) => {
      const later = {
        predictions: { ...predictions, eventTimeMs: predictions.eventTimeMs + more },
        labels: { ...labels, eventTimeMs: labels.eventTimeMs + other },
      };
      assert.ok(watermarkOf(later.predictions, later.labels) >= watermarkOf(predictions, labels));
    }),
  );
});

test('a topic with unread records holds the watermark, one read to its end does not', () => {
  fc.assert(
    fc.property(topic, topic, (predictions, labels) => {
      const watermark = watermarkOf(predictions, labels);
      if (!predictions.isAtEnd) assert.ok(watermark <= predictions.eventTimeMs);
      if (!labels.isAtEnd) assert.ok(watermark <= labels.eventTimeMs);
      const best = Math.max(predictions.eventTimeMs, labels.eventTimeMs);
      assert.ok(watermark <= best);
      if (predictions.isAtEnd && labels.isAtEnd) assert.equal(watermark, best);
    }),
  );
});

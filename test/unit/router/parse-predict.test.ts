import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePredict } from '../../../services/router/domain/parse-predict.ts';
import { BODY } from './router-world.ts';
import { clickSpec } from './snapshot-records.ts';

const NOW_MS = 10_000;

test('a sound request is a row in the order of the spec, now unless it says when', () => {
  const features = { amount: 3, shop: 'north' };
  assert.deepEqual(parsePredict({ subject: 'a', features }, clickSpec, NOW_MS), {
    ask: { subject: 'a', row: ['north', null, 3], id: undefined, predictedAtMs: NOW_MS },
  });
  assert.deepEqual(
    parsePredict({ subject: 'a', features: {}, id: 'x~1', predictedAtMs: 7 }, clickSpec, NOW_MS),
    {
      ask: { subject: 'a', row: [null, null, null], id: 'x~1', predictedAtMs: 7 },
    },
  );
});

const FAULTS: readonly { readonly body: unknown; readonly field: string; readonly says: RegExp }[] = [
  { body: null, field: '(body)', says: /null is not an object/ },
  { body: [BODY], field: '(body)', says: /is not an object/ },
  { body: undefined, field: '(body)', says: /undefined is not an object/ },
  { body: { ...BODY, subjekt: 1 }, field: 'subjekt', says: /allowed subject, features, id, predictedAtMs/ },
  { body: { features: {} }, field: 'subject', says: /undefined is not a string/ },
  { body: { ...BODY, subject: '' }, field: 'subject', says: /has 0 characters, allowed 1 … 256/ },
  { body: { ...BODY, subject: 'x'.repeat(257) }, field: 'subject', says: /257 characters, allowed 1 … 256/ },
  { body: { ...BODY, subject: '\ud800' }, field: 'subject', says: /well-formed/ },
  { body: { ...BODY, id: 'x'.repeat(121) }, field: 'id', says: /121 characters, allowed 1 … 120/ },
  { body: { ...BODY, id: 'a b' }, field: 'id', says: /printable ASCII/ },
  { body: { ...BODY, id: 7 }, field: 'id', says: /7 is not a string/ },
  {
    body: { ...BODY, predictedAtMs: 10_000 + 300_001 },
    field: 'predictedAtMs',
    says: /300001 ms in the future, allowed 300000/,
  },
  { body: { ...BODY, predictedAtMs: 1.5 }, field: 'predictedAtMs', says: /1\.5 is not a whole number/ },
  { body: { subject: 'a' }, field: 'features', says: /undefined is not an object/ },
  {
    body: { ...BODY, features: { shoop: 'north' } },
    field: 'features.shoop',
    says: /is not a feature of the model/,
  },
  {
    body: { ...BODY, features: { amount: '12' } },
    field: 'features.amount',
    says: /string "12", allowed a finite number/,
  },
  { body: { ...BODY, features: { isNew: 1 } }, field: 'features.isNew', says: /allowed true or false/ },
];

for (const { body, field, says } of FAULTS) {
  const words = body === undefined ? 'no body' : JSON.stringify(body).slice(0, 60);
  test(`a request with ${words} is refused, naming ${field}`, () => {
    const parsed = parsePredict(body, clickSpec, NOW_MS);
    assert.ok('fault' in parsed);
    assert.equal(parsed.fault.field, field);
    assert.match(parsed.fault.message, says);
  });
}

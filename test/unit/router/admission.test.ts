import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAdmissionGate } from '../../../services/router/admission-gate.ts';
import {
  hasRoom,
  isAdmitted,
  nextAdmission,
  openAdmission,
  UNDER_WAY_MIN,
} from '../../../services/router/domain/admission.ts';

const RULE = { requestsMax: 1000, bytesMax: 1_000_000, delayMaxMs: 200 };

test('a router that is not held up lets in as many as its setting says, and not one more', () => {
  const admission = openAdmission(RULE);
  assert.equal(isAdmitted(admission, 999), true);
  assert.equal(isAdmitted(admission, 1000), false);
  assert.deepEqual(nextAdmission(admission, { mostUnderWay: 1000, delayMs: 200 }, RULE), admission);
});

test('a delay that is k times too long leaves a k-th of what was under way', () => {
  const { limit } = nextAdmission({ limit: 1000 }, { mostUnderWay: 800, delayMs: 800 }, RULE);
  assert.equal(limit, 200);
});

test('a limit that was cut comes back by itself once there is time to spare, and not before', () => {
  let admission = { limit: 100 };
  admission = nextAdmission(admission, { mostUnderWay: 100, delayMs: 170 }, RULE);
  assert.equal(admission.limit, 100, 'strained');
  let windows = 0;
  for (; admission.limit < 1000; windows += 1)
    admission = nextAdmission(admission, { mostUnderWay: 10, delayMs: 5 }, RULE);
  assert.equal(windows, 25, 'a little more than a second of windows of 50 ms');
});

test('a pause of the machine refuses nobody who is one of a few', () => {
  const { limit } = nextAdmission({ limit: 1000 }, { mostUnderWay: 3, delayMs: 60_000 }, RULE);
  assert.equal(limit, UNDER_WAY_MIN);
});

test('whatever is seen, the limit stays between its floor and the setting', () => {
  const window = fc.record({ mostUnderWay: fc.nat(10_000), delayMs: fc.nat(100_000) });
  fc.assert(
    fc.property(fc.array(window), fc.integer({ min: 1, max: 5000 }), (windows, requestsMax) => {
      const rule = { ...RULE, requestsMax };
      let admission = openAdmission(rule);
      for (const one of windows) {
        admission = nextAdmission(admission, one, rule);
        assert.ok(admission.limit >= Math.min(UNDER_WAY_MIN, requestsMax));
        assert.ok(admission.limit <= requestsMax);
      }
    }),
  );
});

test('the gate counts who is behind it, sheds the rest, and is open again when they have left', () => {
  const gate = createAdmissionGate({ ...RULE, requestsMax: 2 });
  assert.deepEqual([gate.enter(100), gate.enter(100), gate.enter(100)], [true, true, false]);
  assert.deepEqual(gate.figures(), { underWay: 2, limit: 2, shed: 1 });
  gate.leave(100);
  assert.equal(gate.enter(100), true);
});

test('the gate cuts by the most that was under way since its last look', () => {
  const gate = createAdmissionGate(RULE);
  for (let asked = 0; asked < 500; asked += 1) gate.enter(100);
  for (let asked = 0; asked < 500; asked += 1) gate.leave(100);
  gate.look(1000);
  assert.equal(gate.figures().limit, 100);
});

test('a body may have an eighth of the room that is free, and all of it when there is no other', () => {
  const room = { bytesMax: 800 };
  assert.equal(hasRoom(5000, 0, room), true, 'alone');
  assert.equal(hasRoom(50, 400, room), true);
  assert.equal(hasRoom(51, 400, room), false);
});

test('large bodies that are never sent keep no small ones out', () => {
  const gate = createAdmissionGate({ ...RULE, bytesMax: 16_000_000 });
  let large = 0;
  while (gate.enter(1_000_000)) large += 1;
  assert.ok(large < 16);
  for (let small = 0; small < 500; small += 1) assert.equal(gate.enter(1000), true);
});

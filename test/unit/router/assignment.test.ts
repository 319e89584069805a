import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assignArm, bucketOf, WHOLE_BP } from '../../../shared/domain/assignment.ts';

/** Checked against an independent murmur3 (Python): any other client of the assignment must agree with these. */
const GOLDEN: readonly (readonly [string, string, number])[] = [
  ['fraud/2/14', 'user-1', 8008],
  ['fraud/2/14', 'user-2', 7008],
  ['fraud/2/14', 'user-3', 785],
  ['fraud/3/20', 'user-1', 3997],
  ['', '', 3175],
  ['s', '', 9306],
  ['', 's', 7937],
  ['salt', 'Zürich', 7016],
  ['salt', '客户-42', 2736],
  ['salt', '🙂', 8308],
  ['salt', 'a'.repeat(256), 4529],
  ['salt', '4000000000000001', 684],
];

for (const [salt, subject, bucket] of GOLDEN) {
  test(`subject ${JSON.stringify(subject.slice(0, 20))} of salt ${JSON.stringify(salt)} has bucket ${String(bucket)}`, () => {
    assert.equal(bucketOf(salt, subject), bucket);
  });
}

test('raising the weight never moves a subject away from the candidate', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(WHOLE_BP), fc.nat(WHOLE_BP), (salt, subject, one, other) => {
      const [lower, higher] = [Math.min(one, other), Math.max(one, other)];
      if (assignArm(salt, subject, lower) === 'candidate')
        assert.equal(assignArm(salt, subject, higher), 'candidate');
    }),
  );
});

test('weight 0 gives the candidate nobody, the whole weight everybody', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (salt, subject) => {
      assert.equal(assignArm(salt, subject, 0), 'stable');
      assert.equal(assignArm(salt, subject, WHOLE_BP), 'candidate');
    }),
  );
});

test('about the weight’s share of subjects gets the candidate', () => {
  const subjects = Array.from({ length: 20_000 }, (_, i) => `subject-${String(i)}`);
  const share =
    subjects.filter((subject) => assignArm('salt', subject, 2500) === 'candidate').length / subjects.length;
  assert.ok(Math.abs(share - 0.25) < 0.015, String(share));
});

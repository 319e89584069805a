import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpareMemory } from '../../../shared/domain/spare-memory.ts';

const MIB = 1024 * 1024;

test('what is lent is large enough and nobody else has it until it is given back', () => {
  const steps = fc.array(fc.oneof(fc.record({ lend: fc.nat(100_000) }), fc.record({ giveBack: fc.nat(9) })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const memory = new SpareMemory();
      const out: ArrayBuffer[] = [];
      for (const step of all) {
        if ('lend' in step) {
          const lent = memory.lend(step.lend);
          assert.ok(lent.byteLength >= step.lend);
          assert.ok(!out.includes(lent));
          out.push(lent);
          continue;
        }
        const [back] = out.splice(step.giveBack, 1);
        if (back === undefined) continue;
        memory.giveBack(back);
        memory.giveBack(back); // twice is as good as once
      }
    }),
  );
});

test('memory is lent again, the smallest that is large enough', () => {
  const memory = new SpareMemory();
  const [small, large] = [memory.lend(5000), memory.lend(100_000)];
  memory.giveBack(large);
  memory.giveBack(small);
  assert.equal(memory.lend(8192), small);
  assert.equal(memory.lend(8192), large);
  assert.equal(memory.lend(0).byteLength, 4096);
});

test('neither what was not lent nor what is rare is kept, and of the rest no more than four pieces', () => {
  const memory = new SpareMemory();
  const foreign = new ArrayBuffer(8192);
  memory.giveBack(foreign);
  assert.notEqual(memory.lend(8192), foreign);
  const huge = memory.lend(8 * MIB + 1);
  memory.giveBack(huge);
  assert.notEqual(memory.lend(8 * MIB + 1), huge);
  const lent = [1, 2, 3, 4, 5].map((times) => memory.lend(times * MIB));
  for (const one of lent) memory.giveBack(one);
  const again = lent.map(() => memory.lend(1));
  assert.deepEqual(
    lent.map((one) => again.includes(one)),
    [false, true, true, true, true],
  );
});

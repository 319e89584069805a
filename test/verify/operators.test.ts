import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROCEDURES } from './operators/procedures.ts';
import { program } from './operators/proof.ts';

const GUIDE = join(import.meta.dirname, '../../deploy/README.md');

test('every procedure that is carried out is a section of the operator’s guide', () => {
  const sections = [...readFileSync(GUIDE, 'utf8').matchAll(/^## (.+)$/gm)].map(([, name]) => name);
  assert.deepEqual(
    PROCEDURES.map(({ name }) => name).filter((name) => !sections.includes(name)),
    [],
  );
});

test('routers and learners are scaled under traffic: nothing fails, all is learned once', async () => {
  const { json, faults } = await program.run({ procedures: 2 }, () => undefined);
  assert.deepEqual(faults, []);
  const { procedures, passed, failed } = json as Record<string, number>;
  assert.deepEqual({ procedures, passed, failed }, { procedures: 2, passed: 2, failed: 0 });
});

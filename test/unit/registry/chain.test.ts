import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainFault, GENESIS_HASH } from '../../../shared/domain/version-chain.ts';
import type { ModelVersionEvent, TrafficPlan } from '../../../shared/domain/events.ts';
import { ask, sha256, worldWithVersions } from './registry-world.ts';

const world = await worldWithVersions(2);
await world.record(
  ask.traffic(world.plan().planVersion, { stable: 1, candidate: 2, candidateWeightBp: 500 }),
);
const events = world.events();
const last = events.at(-1) as ModelVersionEvent;
const end = { sequence: last.sequence - 1, hash: last.previousHash };

test('a log as it was written is whole', () => {
  let at = { sequence: 0, hash: GENESIS_HASH };
  for (const event of events) {
    assert.equal(chainFault(at, event, sha256), undefined);
    at = event;
  }
});

/** Returns another value of the same kind. */
function changed(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return `${value}x`;
  return value === null ? 1 : [...(value as number[]), 9];
}

for (const field of Object.keys(last) as (keyof ModelVersionEvent)[]) {
  if (field === 'plan') continue;
  test(`an event whose ${field} was changed is a fault`, () => {
    const tampered = { ...last, [field]: changed(last[field]) };
    assert.match(chainFault(end, tampered, sha256) ?? '', /^event \d+ (follows|names another|was changed)/);
  });
}
for (const field of Object.keys(last.plan) as (keyof TrafficPlan)[]) {
  test(`an event whose plan's ${field} was changed is a fault`, () => {
    const plan = { ...last.plan, [field]: changed(last.plan[field]) };
    assert.equal(
      chainFault(end, { ...last, plan }, sha256),
      `event ${String(last.sequence)} was changed after it was written`,
    );
  });
}

test('a lost, repeated or exchanged event is a fault', () => {
  const [first, second, third] = events;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  assert.equal(chainFault(first, third, sha256), 'event 3 follows event 1');
  assert.equal(chainFault(second, second, sha256), 'event 2 follows event 2');
  assert.equal(
    chainFault({ ...first, hash: sha256('another') }, second, sha256),
    'event 2 names another predecessor',
  );
});

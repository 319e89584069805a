import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OverviewMessage, OverviewRow } from '../../../services/monitor/domain/page/messages.ts';
import { eventIdOf, frameOf, tickOf } from '../../../services/monitor/domain/page/sse.ts';
import { withModel, withOverview } from '../../../services/monitor/web/merge.ts';
import type { ModelPageState, OverviewState } from '../../../services/monitor/web/merge.ts';
import { MODEL, ROLLOUT } from '../monitor/monitor-world.ts';
import { createReader, createWorld } from './live-world.ts';
import type { Reader, Received } from './live-world.ts';

const rowsOf = ({ data }: Received): readonly OverviewRow[] => (data as OverviewMessage).rows;

test('a frame is lines that a browser understands, and an id is taken from its own process alone', () => {
  assert.equal(
    frameOf({ id: 'abc-7', event: 'delta', data: { a: 'x\ny' } }),
    'id: abc-7\nevent: delta\ndata: {"a":"x\\ny"}\n\n',
  );
  assert.match(frameOf({ id: 'abc-1', event: 'snapshot', data: {} }), /^retry: 2000\n/);
  assert.equal(tickOf(eventIdOf('abc', 7), 'abc'), 7);
  for (const id of [undefined, '', 'abd-7', 'abc-', 'abc-x', 'abc-7-7', 'abc--7'])
    assert.equal(tickOf(id, 'abc'), undefined, id);
});

test('a reader is told everything once, then what changes', () => {
  const world = createWorld();
  world.live.tick();
  const reader = createReader();
  world.live.open({ kind: 'overview' }, undefined, reader);
  world.live.tick();
  world.rollout = ROLLOUT;
  world.live.tick();
  world.live.tick();
  assert.deepEqual(
    reader.received.map(({ kind, id }) => [kind, id]),
    [
      ['snapshot', 'abc-1'],
      ['delta', 'abc-3'],
    ],
  );
  const state = reader.received.reduce<OverviewState | undefined>(
    (known, { kind, data }) => withOverview(known, kind, data as OverviewMessage),
    undefined,
  );
  assert.equal(state?.rows.get(MODEL)?.[4], 'shadow');
  assert.equal(state.status?.hasRegistry, true);
});

test('a reader that comes back is told what it missed; one of another process everything', () => {
  const world = createWorld();
  world.live.tick();
  world.live.tick();
  world.rollout = ROLLOUT;
  world.live.tick();
  const come = (id: string): Reader => {
    const reader = createReader();
    const close = world.live.open({ kind: 'overview' }, id, reader);
    assert.ok(typeof close === 'function');
    close();
    return reader;
  };
  assert.deepEqual(
    come('abc-2').received.map(({ kind, data }) => [kind, rowsOf({ data } as Received).length]),
    [['delta', 1]],
  );
  assert.deepEqual(come('abc-3').received, []);
  assert.deepEqual(
    ['xyz-2', 'abc-99'].map((id) => come(id).received.map(({ kind }) => kind)),
    [['snapshot'], ['snapshot']],
  );
});

test('a slow reader is told of all changes at once when it is free, and dropped when it never is', () => {
  const world = createWorld();
  const slow = createReader();
  world.live.open({ kind: 'overview' }, undefined, slow);
  world.live.tick();
  const before = slow.received.length;
  slow.isStuck = true;
  world.rollout = ROLLOUT;
  world.live.tick();
  world.rollout = { ...ROLLOUT, phase: 'canary', step: 0 };
  world.live.tick();
  assert.equal(slow.received.length, before);
  slow.isStuck = false;
  world.live.tick();
  assert.deepEqual(
    slow.received.slice(before).map((one) => rowsOf(one).map((row) => row[4])),
    [['canary']],
  );
  slow.isStuck = true;
  world.nowMs += 14_000;
  world.live.tick();
  assert.deepEqual([slow.isEnded, world.dropped], [false, 0]);
  world.nowMs += 2000;
  world.live.tick();
  assert.deepEqual([slow.isEnded, world.dropped, world.open], [true, 1, 0]);
});

test('an idle reader hears that the connection lives', () => {
  const world = createWorld();
  world.live.tick();
  const reader = createReader();
  world.live.open({ kind: 'overview' }, undefined, reader);
  const before = reader.comments;
  world.live.tick();
  assert.equal(reader.comments, before);
  world.nowMs += 15_000;
  world.live.tick();
  assert.equal(reader.comments, before + 1);
});

test('readers beyond the limit, of unknown models, and of a service that ends are refused', () => {
  const world = createWorld();
  world.live.tick();
  assert.equal(
    world.live.open({ kind: 'model', model: 'nobody' }, undefined, createReader()),
    'unknown-model',
  );
  const readers = [createReader(), createReader()];
  for (const reader of readers)
    assert.equal(typeof world.live.open({ kind: 'overview' }, undefined, reader), 'function');
  assert.equal(world.live.open({ kind: 'overview' }, undefined, createReader()), 'too-many');
  world.live.close();
  assert.deepEqual(
    readers.map(({ isEnded }) => isEnded),
    [true, true],
  );
  assert.equal(world.live.open({ kind: 'overview' }, undefined, createReader()), 'closing');
});

test('a page of a model holds every part of it, and hears what the registry says and that it says nothing', async () => {
  let isAway = false;
  const world = createWorld({
    askRegistry: () =>
      isAway
        ? Promise.reject(new Error('no answer'))
        : Promise.resolve({ waitsFor: ['evidence'], routers: [], last: null }),
  });
  world.rollout = ROLLOUT;
  world.live.tick();
  const reader = createReader();
  world.live.open({ kind: 'model', model: MODEL }, undefined, reader);
  const state = (): ModelPageState | undefined =>
    reader.received.reduce<ModelPageState | undefined>(
      (known, { kind, data }) => withModel(known, kind, data as never),
      undefined,
    );
  assert.deepEqual(
    [
      state()?.view.rollout?.rolloutId,
      state()?.view.versions.length,
      state()?.view.policy.alpha,
      state()?.view.report,
    ],
    [ROLLOUT.rolloutId, 2, 0.05, null],
  );
  const twoTicks = async (): Promise<void> => {
    for (let tick = 0; tick < 4; tick += 1) {
      world.live.tick();
      await new Promise(setImmediate); // what was asked is answered between two ticks
    }
  };
  await twoTicks();
  assert.deepEqual(state()?.view.registry, {
    word: { waitsFor: ['evidence'], routers: [], last: null },
    fault: null,
  });
  isAway = true;
  await twoTicks();
  assert.deepEqual(state()?.view.registry, {
    word: { waitsFor: ['evidence'], routers: [], last: null },
    fault: 'no answer',
  });
});

test('the stream is asked for only while somebody looks', async () => {
  let asked = 0;
  const world = createWorld({
    askStream: () => {
      asked += 1;
      return Promise.resolve({ lag: [], deadLetters: { start: 0, end: asked }, models: [], fault: null });
    },
  });
  const rounds = async (): Promise<void> => {
    for (let tick = 0; tick < 6; tick += 1) {
      world.live.tick();
      await new Promise(setImmediate);
    }
  };
  await rounds();
  assert.equal(asked, 0);
  const reader = createReader();
  world.live.open({ kind: 'stream' }, undefined, reader);
  await rounds();
  assert.equal(asked, 3);
  assert.ok(
    reader.received.some(
      ({ data }) => (data as { view?: { deadLetters: unknown } }).view?.deadLetters !== undefined,
    ),
  );
});

test('what is asked before the first tick is whole, and a model that is not known yet is not said to be none', () => {
  const world = createWorld({ isReady: () => false });
  const reader = createReader();
  world.live.open({ kind: 'model', model: MODEL }, undefined, reader);
  const [first] = reader.received;
  assert.equal(Object.keys((first?.data as { view: object }).view).length, 11);
  assert.equal(world.live.open({ kind: 'model', model: 'nobody' }, undefined, createReader()), 'waiting');
});

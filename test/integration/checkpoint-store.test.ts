import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PAGE_BYTES } from '../../shared/domain/state-section.ts';
import {
  checkpointsOn,
  headOf,
  isFlip,
  isPageWrite,
  pagesOf,
  take,
} from '../contract/checkpoint/checkpoints.ts';
import { damageCases } from '../contract/checkpoint/damage-cases.ts';
import { PagedState } from '../contract/checkpoint/paged-state.ts';
import { useRedis } from '../contract/checkpoint/redis-server.ts';
import { sectionCases } from '../contract/checkpoint/section-cases.ts';
import { createShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
import type { ShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';

const server = useRedis();
const { freshPrefix, owner, load, stored, wrapped } = checkpointsOn(server);

damageCases(server);
sectionCases(server);

test('nothing is loaded before the first save', async () => {
  assert.equal(await load(freshPrefix()), undefined);
});

test('a state comes back byte for byte with its position and extras, sections of any size', async () => {
  const prefix = freshPrefix();
  const state = new PagedState({
    empty: 0,
    one: 1,
    page: PAGE_BYTES,
    'v2/weights': 200 * PAGE_BYTES + 1,
    'v1/weights': 2 * PAGE_BYTES - 1,
  });
  const checkpoint = await owner(prefix);
  const meta = { digest: 'äöü', versions: [1, 2] };
  assert.equal(await checkpoint.save(take('42', state, meta)), 'saved');
  const loaded = await load(prefix);
  assert.deepEqual(loaded, {
    position: '42',
    meta,
    sections: state.contents(),
    isFallback: false,
    damage: undefined,
  });
});

test('only changed pages are written, to the generation that is not in use', async () => {
  const prefix = freshPrefix();
  const written: number[] = [];
  const redis = wrapped(async (script, run) => {
    const before = isPageWrite(script) ? await server.redis().hgetallBuffer(pagesOf(prefix)) : {};
    const answer = await run();
    if (isPageWrite(script)) {
      const now = await server.redis().hgetallBuffer(pagesOf(prefix));
      written.push(
        Object.keys(now).filter((field) => now[field]?.equals(before[field] ?? Buffer.of(0)) !== true).length,
      );
    }
    return answer;
  });
  const checkpoint = await owner(prefix, redis);
  const state = new PagedState({ weights: 5 * PAGE_BYTES });
  await checkpoint.save(take('1', state));
  assert.deepEqual(written, [5]);
  state.write('weights', 3 * PAGE_BYTES + 5, 9);
  await checkpoint.save(take('2', state));
  assert.deepEqual(written, [5, 1]);
  assert.deepEqual(
    (await server.redis().hkeys(pagesOf(prefix))).filter((field) => field.endsWith('/1')),
    ['weights/3/1'],
  );
  await checkpoint.save(take('3', state));
  assert.deepEqual(written, [5, 1]);
  assert.deepEqual((await load(prefix))?.sections, state.contents());
});

test('a process that dies between its pages and the manifest leaves the state before it', async () => {
  const prefix = freshPrefix();
  const redis = wrapped((script, run) =>
    isFlip(script) && isDying ? Promise.reject(new Error('killed')) : run(),
  );
  let isDying = false;
  const checkpoint = await owner(prefix, redis);
  const state = new PagedState({ weights: 3 * PAGE_BYTES });
  for (const position of ['1', '2', '3']) {
    state.write('weights', Number(position), 7);
    await checkpoint.save(take(position, state));
  }
  const before = state.contents();
  isDying = true;
  state.write('weights', 0, 200);
  state.write('weights', 2 * PAGE_BYTES, 201);
  await assert.rejects(checkpoint.save(take('4', state)), { code: 'redis-unavailable', retriable: true });
  const loaded = await load(prefix);
  assert.equal(loaded?.position, '3');
  assert.equal(loaded.isFallback, false);
  assert.deepEqual(loaded.sections, before);
});

test('a picture that could not be stored is stored by the next save, before the new one', async () => {
  const prefix = freshPrefix();
  let failures = 1;
  const redis = wrapped((script, run) =>
    isFlip(script) && failures-- > 0 ? Promise.reject(new Error('away')) : run(),
  );
  const checkpoint = await owner(prefix, redis);
  const state = new PagedState({ weights: 2 * PAGE_BYTES });
  await assert.rejects(checkpoint.save(take('1', state)));
  state.write('weights', 5, 9);
  assert.equal(await checkpoint.save(take('2', state)), 'saved');
  const { position, previous } = await server.redis().hgetall(headOf(prefix));
  assert.equal(position, '2');
  assert.equal((JSON.parse(previous ?? '{}') as { position: string }).position, '1');
  assert.deepEqual((await load(prefix))?.sections, state.contents());
});

test('a save whose answer was lost is taken as saved when it is repeated', async () => {
  const prefix = freshPrefix();
  let losses = 1;
  const redis = wrapped(async (script, run) => {
    const answer = await run();
    if (isFlip(script) && losses-- > 0) throw new Error('connection lost');
    return answer;
  });
  const checkpoint = await owner(prefix, redis);
  const state = new PagedState({ weights: PAGE_BYTES });
  await assert.rejects(checkpoint.save(take('1', state)), { retriable: true });
  assert.equal((await server.redis().hgetall(headOf(prefix)))['position'], '1');
  assert.equal(await checkpoint.save(take('1', state)), 'saved');
  state.write('weights', 0, 5);
  assert.equal(await checkpoint.save(take('2', state)), 'saved');
  assert.deepEqual((await load(prefix))?.sections, state.contents());
});

test('an older owner is fenced and changes no byte', async () => {
  const prefix = freshPrefix();
  const first = await owner(prefix);
  const state = new PagedState({ weights: 2 * PAGE_BYTES });
  await first.save(take('1', state));
  const second = createShardCheckpoint(server.redis(), prefix);
  assert.equal((await second.takeOver())?.position, '1');
  assert.equal(second.epoch(), first.epoch() + 1);
  assert.deepEqual([await first.isOwned(), await second.isOwned()], [false, true]);
  const before = await stored(prefix);
  state.write('weights', 0, 99);
  assert.equal(await first.save(take('2', state)), 'fenced');
  assert.deepEqual(await stored(prefix), before);
  assert.equal(await second.save(take('2', new PagedState({ weights: PAGE_BYTES }))), 'saved');
});

/** Returns an owner that has saved a state, and before whose next manifest something happens. */
async function interrupted(
  prefix: string,
  state: PagedState,
  meanwhile: () => Promise<unknown>,
): Promise<ShardCheckpoint> {
  let hasSaved = false;
  const redis = wrapped(async (script, run) => {
    if (isFlip(script) && hasSaved) await meanwhile();
    return run();
  });
  const first = await owner(prefix, redis);
  await first.save(take('1', state));
  hasSaved = true;
  return first;
}

for (const what of ['took the shard over', 'took the shard over and saved']) {
  test(`an owner is fenced when another ${what} between its pages and the manifest`, async () => {
    const prefix = freshPrefix();
    const state = new PagedState({ weights: 2 * PAGE_BYTES });
    const first = await interrupted(prefix, state, async () => {
      const second = await owner(prefix);
      if (what.endsWith('saved')) {
        kept.write('weights', 3, 33);
        assert.equal(await second.save(take('5', kept)), 'saved');
      }
    });
    const kept = state.copy();
    state.write('weights', 0, 99);
    assert.equal(await first.save(take('2', state)), 'fenced');
    const loaded = await load(prefix);
    assert.equal(loaded?.position, what.endsWith('saved') ? '5' : '1');
    assert.deepEqual(loaded.sections, kept.contents());
  });
}

test('however owners interleave, what loads is the last save that was acknowledged', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('take-over' as const), owner: fc.nat(2) }),
    fc.record({
      kind: fc.constant('save' as const),
      owner: fc.nat(2),
      at: fc.nat(3 * PAGE_BYTES - 1),
      value: fc.nat(255),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const prefix = freshPrefix();
      const owners = [0, 1, 2].map(() => ({
        checkpoint: createShardCheckpoint(server.redis(), prefix),
        state: new PagedState({ weights: 3 * PAGE_BYTES }),
      }));
      let newest: number | undefined;
      let expected: { position: string; sections: ReadonlyMap<string, Uint8Array> } | undefined;
      for (const [index, move] of steps.entries()) {
        const one = owners[move.owner];
        assert.ok(one !== undefined);
        if (move.kind === 'take-over') {
          const loaded = await one.checkpoint.takeOver();
          assert.equal(loaded?.position, expected?.position);
          assert.equal(loaded?.isFallback ?? false, false);
          if (loaded !== undefined) assert.deepEqual(loaded.sections, expected?.sections);
          one.state =
            loaded === undefined
              ? new PagedState({ weights: 3 * PAGE_BYTES })
              : PagedState.of(loaded.sections);
          newest = move.owner;
          continue;
        }
        one.state.write('weights', move.at, move.value);
        const position = String(index);
        const result = await one.checkpoint.save(take(position, one.state));
        assert.equal(result, newest === move.owner ? 'saved' : 'fenced');
        if (result === 'saved') expected = { position, sections: one.state.contents() };
      }
      const loaded = await load(prefix);
      assert.equal(loaded?.position, expected?.position);
      if (loaded !== undefined) assert.deepEqual(loaded.sections, expected?.sections);
    }),
    { numRuns: 25 },
  );
});

test('saves that are asked for at once follow each other, and each takes its picture at its turn', async () => {
  const prefix = freshPrefix();
  let running = 0;
  let overlaps = 0;
  const redis = wrapped(async (_script, run) => {
    running += 1;
    if (running > 1) overlaps += 1;
    try {
      return await run();
    } finally {
      running -= 1;
    }
  });
  const checkpoint = await owner(prefix, redis);
  const state = new PagedState({ weights: 130 * PAGE_BYTES });
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      checkpoint.save(() => {
        state.write('weights', index * PAGE_BYTES, index + 100);
        return { position: String(index), meta: {}, sections: state.sections() };
      }),
    ),
  );
  assert.deepEqual(new Set(results), new Set(['saved']));
  assert.equal(overlaps, 0);
  const loaded = await load(prefix);
  assert.equal(loaded?.position, '5');
  assert.deepEqual(loaded.sections, state.contents());
});

test('an error of `take` is the caller’s, and the next save works', async () => {
  const prefix = freshPrefix();
  const checkpoint = await owner(prefix);
  const state = new PagedState({ weights: 5 });
  await assert.rejects(
    checkpoint.save(() => {
      throw new RangeError('a section cannot be written');
    }),
    RangeError,
  );
  assert.equal(await checkpoint.save(take('1', state)), 'saved');
});

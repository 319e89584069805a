import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createShardCheckpoint } from '../../../shared/checkpoint/checkpoint-store.ts';
import { PAGE_BYTES } from '../../../shared/domain/state-section.ts';
import { checkpointsOn, headOf, pagesOf, take } from './checkpoints.ts';
import { PagedState } from './paged-state.ts';
import type { RedisServer } from './redis-server.ts';

/** Runs what a checkpoint promises when what is stored is damaged. */
export function damageCases(server: RedisServer): void {
  const { freshPrefix, owner, load, stored } = checkpointsOn(server);

  /** Saves a state at two positions, so that there are two generations. */
  async function twoGenerations(prefix: string): Promise<{ older: PagedState; newer: PagedState }> {
    const checkpoint = await owner(prefix);
    const state = new PagedState({ weights: 3 * PAGE_BYTES + 7 });
    await checkpoint.save(take('10', state));
    const older = state.copy();
    state.write('weights', 0, 1);
    state.write('weights', 2 * PAGE_BYTES, 2);
    await checkpoint.save(take('20', state));
    return { older, newer: state.copy() };
  }

  for (const [what, damage] of [
    [
      'a damaged page',
      async (prefix: string) => {
        const page = await server.redis().hgetBuffer(pagesOf(prefix), 'weights/0/1');
        page?.fill(0xff, 0, 1);
        await server.redis().hset(pagesOf(prefix), 'weights/0/1', page ?? '');
      },
    ],
    ['a lost page', (prefix: string) => server.redis().hdel(pagesOf(prefix), 'weights/0/1')],
    ['a truncated page', (prefix: string) => server.redis().hset(pagesOf(prefix), 'weights/0/1', 'short')],
    [
      'a truncated manifest',
      async (prefix: string) => {
        const text = await server.redis().hget(headOf(prefix), 'manifest');
        await server.redis().hset(headOf(prefix), 'manifest', text?.slice(0, -1) ?? '');
      },
    ],
    ['a damaged digest', (prefix: string) => server.redis().hset(headOf(prefix), 'digest', 'no')],
    ['a lost manifest', (prefix: string) => server.redis().hdel(headOf(prefix), 'manifest')],
  ] as const) {
    test(`after ${what} the generation before is loaded, said to be, and saved on from`, async () => {
      const prefix = freshPrefix();
      const { older } = await twoGenerations(prefix);
      await damage(prefix);
      const checkpoint = createShardCheckpoint(server.redis(), prefix);
      const loaded = await checkpoint.takeOver();
      assert.equal(loaded?.position, '10');
      assert.equal(loaded.isFallback, true);
      assert.match(loaded.damage ?? '', /manifest|page 0 of section weights/);
      assert.deepEqual(loaded.sections, older.contents());
      older.write('weights', PAGE_BYTES, 77);
      assert.equal(await checkpoint.save(take('15', older)), 'saved');
      const again = await load(prefix);
      assert.equal(again?.isFallback, false);
      assert.equal(again.position, '15');
      assert.deepEqual(again.sections, older.contents());
    });
  }

  test('damage in both generations is an error that names the shard and both faults', async () => {
    const prefix = freshPrefix();
    await twoGenerations(prefix);
    const before = await stored(prefix);
    await server.redis().hdel(pagesOf(prefix), 'weights/1/0');
    await assert.rejects(load(prefix), {
      name: 'HeadraceError',
      code: 'checkpoint-damaged',
      retriable: false,
      message:
        /checkpoint-\d+: page 1 of section weights is missing; the generation before: page 1 of section weights/,
    });
    assert.notDeepEqual(await stored(prefix), before);
  });
}

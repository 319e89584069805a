import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PAGE_BYTES } from '../../../shared/domain/state-section.ts';
import { checkpointsOn, pagesOf, take } from './checkpoints.ts';
import { PagedState } from './paged-state.ts';
import type { RedisServer } from './redis-server.ts';

/** Runs what a checkpoint promises when sections leave the state and come back. */
export function sectionCases(server: RedisServer): void {
  const { freshPrefix, owner, load } = checkpointsOn(server);

  test('pages of a section that left the state are deleted two flips later, all of them', async () => {
    const prefix = freshPrefix();
    const checkpoint = await owner(prefix);
    const both = new PagedState({ kept: 10, gone: 2100 * PAGE_BYTES });
    await checkpoint.save(take('1', both));
    const one = both.without('gone');
    await checkpoint.save(take('2', one));
    assert.equal(await server.redis().hlen(pagesOf(prefix)), 2101);
    one.write('kept', 0, 5);
    await checkpoint.save(take('3', one));
    assert.deepEqual((await server.redis().hkeys(pagesOf(prefix))).sort(), ['kept/0/0', 'kept/0/1']);
    assert.deepEqual((await load(prefix))?.sections, one.contents());
  });

  test('a section that comes back after it left keeps its pages', async () => {
    const prefix = freshPrefix();
    const checkpoint = await owner(prefix);
    const both = new PagedState({ kept: 10, other: PAGE_BYTES });
    const one = both.without('other');
    await checkpoint.save(take('1', both));
    await checkpoint.save(take('2', one));
    await checkpoint.save(take('3', both));
    const loaded = await load(prefix);
    assert.equal(loaded?.position, '3');
    assert.deepEqual(loaded.sections, both.contents());
  });
}

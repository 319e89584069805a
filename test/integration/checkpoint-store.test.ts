import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { createShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
import type { LoadedCheckpoint, SaveInput, ShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
import { PAGE_BYTES } from '../../shared/domain/state-section.ts';
import { PagedState } from '../contract/checkpoint/paged-state.ts';
import { useRedis } from '../contract/checkpoint/redis-server.ts';

const server = useRedis();
let prefixes = 0;

const headOf = (prefix: string): string => `{${prefix}}:head`;
const pagesOf = (prefix: string): string => `{${prefix}}:pages`;

function freshPrefix(): string {
  prefixes += 1;
  return `checkpoint-${String(prefixes)}`;
}

async function owner(prefix: string, redis = server.redis()): Promise<ShardCheckpoint> {
  const checkpoint = createShardCheckpoint(redis, prefix);
  await checkpoint.takeOver();
  return checkpoint;
}

function load(prefix: string): Promise<LoadedCheckpoint | undefined> {
  return createShardCheckpoint(server.redis(), prefix).takeOver();
}

function take(position: string, state: PagedState, meta: unknown = {}): () => SaveInput {
  return () => ({ position, meta, sections: state.sections() });
}

/** Returns everything Redis holds of a checkpoint, the epoch apart. */
async function stored(prefix: string): Promise<unknown> {
  const { epoch: _epoch, ...head } = await server.redis().hgetall(headOf(prefix));
  const pages = await server.redis().hgetallBuffer(pagesOf(prefix));
  return { head, pages: Object.entries(pages).sort(([a], [b]) => (a < b ? -1 : 1)) };
}

/** Returns a connection whose scripts go through `around`. */
function wrapped(around: (script: string, run: () => Promise<unknown>) => Promise<unknown>): Redis {
  return new Proxy(server.redis(), {
    get(target, name) {
      if (name === 'eval')
        return (script: string, ...args: unknown[]) =>
          around(script, () => (target.eval as (...all: unknown[]) => Promise<unknown>)(script, ...args));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
const isFlip = (script: string): boolean => script.includes('previousDigest');
const isPageWrite = (script: string): boolean => script.includes('for i = 2');

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
      written.push(Object.keys(now).filter((field) => now[field]?.equals(before[field] ?? Buffer.of(0)) !== true).length);
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
    message: /checkpoint-\d+: page 1 of section weights is missing; the generation before: page 1 of section weights/,
  });
  assert.notDeepEqual(await stored(prefix), before);
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

test('an owner that is fenced between its pages and the manifest leaves the newer owner’s state whole', async () => {
  const prefix = freshPrefix();
  let onFlip = (): Promise<unknown> => Promise.resolve();
  const redis = wrapped(async (script, run) => {
    if (isFlip(script)) await onFlip();
    return run();
  });
  const first = await owner(prefix, redis);
  const state = new PagedState({ weights: 2 * PAGE_BYTES });
  await first.save(take('1', state));
  const kept = state.copy();
  onFlip = async () => {
    const second = await owner(prefix);
    kept.write('weights', 3, 33);
    assert.equal(await second.save(take('5', kept)), 'saved');
  };
  state.write('weights', 0, 99);
  assert.equal(await first.save(take('2', state)), 'fenced');
  const loaded = await load(prefix);
  assert.equal(loaded?.position, '5');
  assert.deepEqual(loaded.sections, kept.contents());
});

test('however owners interleave, what loads is the last save that was acknowledged', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('take-over' as const), owner: fc.nat(2) }),
    fc.record({ kind: fc.constant('save' as const), owner: fc.nat(2), at: fc.nat(3 * PAGE_BYTES - 1), value: fc.nat(255) }),
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
          one.state = loaded === undefined ? new PagedState({ weights: 3 * PAGE_BYTES }) : PagedState.of(loaded.sections);
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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  JoinItem,
  JoinOutcome,
  JoinPrediction,
  JoinStore,
  JoinStores,
} from '../../../services/ingest/ports.ts';
import { joinPrediction, labelItem, predictionItem } from './join-items.ts';

const OTHER_PARTITION = 1_000_000;
const NONE = { joined: [], closed: [], watermarkMs: 0 };

/** Runs every case of the port against stores that `open` gives; each case has a shard of its own. */
export function joinStoreCases(name: string, open: () => JoinStores): void {
  let shards = 0;

  function check(
    sentence: string,
    run: (store: JoinStore, shard: string, stores: JoinStores) => Promise<void>,
  ): void {
    shards += 1;
    const shard = `case-${String(shards)}#0`;
    const partition = shards;
    test(`${name}: ${sentence}`, async () => {
      const stores = open();
      await run(await stores.own(partition), shard, stores);
    });
  }

  const idsOf = (closed: readonly JoinPrediction[]): string[] =>
    closed.map(({ prediction }) => prediction.id);
  const joined = (id: string, predictedAtMs: number, label: number, observedAtMs: number): JoinOutcome => ({
    kind: 'joined',
    of: joinPrediction(id, predictedAtMs),
    label,
    observedAtMs,
  });
  async function kindOf(store: JoinStore, shard: string, item: JoinItem): Promise<string | undefined> {
    return (await store.take(shard, [item]))[0]?.kind;
  }

  check('a prediction opens and its label joins it, every field as it was', async (store, shard) => {
    assert.deepEqual(await store.take(shard, [predictionItem('0~a', 100)]), [{ kind: 'open' }]);
    assert.deepEqual(await store.take(shard, [labelItem('0~a', 150, { label: 0 })]), [
      joined('0~a', 100, 0, 150),
    ]);
  });

  check('an early label waits and the prediction joins it', async (store, shard) => {
    assert.deepEqual(await store.take(shard, [labelItem('0~a', 90)]), [{ kind: 'early' }]);
    assert.deepEqual(await store.take(shard, [predictionItem('0~a', 100)]), [joined('0~a', 100, 1, 90)]);
    assert.equal(await store.hasDue(shard, Infinity), false);
  });

  check('items of one call are taken in their order', async (store, shard) => {
    const outcomes = await store.take(shard, [
      labelItem('0~b', 100),
      predictionItem('0~a', 100),
      predictionItem('0~b', 100),
      labelItem('0~a', 120),
      labelItem('0~b', 130, { source: 'l/other' }),
    ]);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['early', 'open', 'joined', 'joined', 'second'],
    );
  });

  check('no items give no outcomes', async (store, shard) => {
    assert.deepEqual(await store.take(shard, []), []);
  });

  check('a label that won gives the same pair again, its prediction does not', async (store, shard) => {
    await store.take(shard, [predictionItem('0~a', 100)]);
    const [first] = await store.take(shard, [labelItem('0~a', 150)]);
    assert.deepEqual(await store.take(shard, [labelItem('0~a', 150)]), [first]);
    assert.deepEqual(await store.take(shard, [predictionItem('0~a', 100)]), [{ kind: 'same' }]);
    assert.deepEqual(await store.take(shard, [labelItem('0~a', 150)]), [first]);
  });

  check('a prediction that won gives the same pair again, its label does not', async (store, shard) => {
    await store.take(shard, [labelItem('0~a', 90)]);
    const [first] = await store.take(shard, [predictionItem('0~a', 100)]);
    assert.deepEqual(await store.take(shard, [labelItem('0~a', 90)]), [{ kind: 'same' }]);
    assert.deepEqual(await store.take(shard, [predictionItem('0~a', 100)]), [first]);
  });

  check(
    'a redelivered open prediction and a redelivered early label change nothing',
    async (store, shard) => {
      await store.take(shard, [predictionItem('0~a', 100), labelItem('0~b', 100)]);
      const bytes = await store.bytes(shard);
      const again = await store.take(shard, [predictionItem('0~a', 100), labelItem('0~b', 100)]);
      assert.deepEqual(again, [{ kind: 'same' }, { kind: 'same' }]);
      assert.equal(await store.bytes(shard), bytes);
    },
  );

  check('the first label wins, whether it came early or in time', async (store, shard) => {
    await store.take(shard, [predictionItem('0~a', 100)]);
    await store.take(shard, [labelItem('0~a', 150, { label: 1 })]);
    assert.equal(await kindOf(store, shard, labelItem('0~a', 151, { label: 0, source: 'l/2' })), 'second');
    assert.deepEqual(await store.take(shard, [labelItem('0~a', 150)]), [joined('0~a', 100, 1, 150)]);
    await store.take(shard, [labelItem('0~b', 150, { label: 1 })]);
    assert.equal(await kindOf(store, shard, labelItem('0~b', 151, { label: 0, source: 'l/2' })), 'second');
    assert.deepEqual(await store.take(shard, [predictionItem('0~b', 100)]), [joined('0~b', 100, 1, 150)]);
  });

  check('a second prediction of one id is told and changes nothing', async (store, shard) => {
    await store.take(shard, [predictionItem('0~a', 100)]);
    assert.equal(await kindOf(store, shard, predictionItem('0~a', 700, 'p/2')), 'second');
    assert.deepEqual(await store.take(shard, [labelItem('0~a', 150)]), [joined('0~a', 100, 1, 150)]);
    assert.equal(await kindOf(store, shard, predictionItem('0~a', 700, 'p/2')), 'second');
  });

  check('a label observed at the deadline joins, a moment later it is late', async (store, shard) => {
    await store.take(shard, [predictionItem('0~a', 100), predictionItem('0~b', 100)]);
    assert.equal(await kindOf(store, shard, labelItem('0~a', 1100)), 'joined');
    assert.equal(await kindOf(store, shard, labelItem('0~b', 1101)), 'late');
    assert.equal(await kindOf(store, shard, labelItem('0~b', 1101)), 'late');
    assert.equal(await kindOf(store, shard, labelItem('0~b', 1000, { source: 'l/in-time' })), 'joined');
  });

  check(
    'an early label past the deadline is thrown away and the prediction stays open',
    async (store, shard) => {
      await store.take(shard, [labelItem('0~a', 1101)]);
      assert.equal(await kindOf(store, shard, predictionItem('0~a', 100)), 'late');
      assert.equal(await kindOf(store, shard, predictionItem('0~a', 100)), 'same');
      assert.equal(await kindOf(store, shard, labelItem('0~a', 1101)), 'same');
      assert.equal(await store.hasDue(shard, 1100), true);
      await store.free(shard, { ...NONE, watermarkMs: 99_999 });
      assert.deepEqual(await store.take(shard, [labelItem('0~a', 300, { label: 0, source: 'l/2' })]), [
        joined('0~a', 100, 0, 300),
      ]);
    },
  );

  for (const as of ['defaulted', 'dropped'] as const) {
    check(
      `a label after its window was ${as} is late, however early it was observed`,
      async (store, shard) => {
        await store.take(shard, [predictionItem('0~a', 100)]);
        assert.deepEqual(await store.closeWindows(shard, { watermarkMs: 1100, as, limit: 10 }), [
          joinPrediction('0~a', 100),
        ]);
        assert.equal(await kindOf(store, shard, labelItem('0~a', 150)), 'late');
        await store.free(shard, { ...NONE, closed: ['0~a'] });
        assert.equal(await kindOf(store, shard, labelItem('0~a', 150)), 'late');
        assert.equal(await kindOf(store, shard, predictionItem('0~a', 100)), 'same');
      },
    );
  }

  check('windows close oldest first, up to the watermark, at most the limit', async (store, shard) => {
    await store.take(
      shard,
      [300, 100, 400, 200].map((at) => predictionItem(`0~${String(at)}`, at)),
    );
    const close = { as: 'defaulted' as const, limit: 2 };
    assert.deepEqual(await store.closeWindows(shard, { ...close, watermarkMs: 1099 }), []);
    const first = await store.closeWindows(shard, { ...close, watermarkMs: 1300 });
    assert.deepEqual(idsOf(first), ['0~100', '0~200']);
    await store.free(shard, { ...NONE, closed: idsOf(first) });
    const second = await store.closeWindows(shard, { ...close, watermarkMs: 1300 });
    assert.deepEqual(idsOf(second), ['0~300']);
  });

  check('closed windows come again until they are freed, and never after', async (store, shard) => {
    await store.take(shard, [predictionItem('0~a', 100), predictionItem('0~b', 200)]);
    const close = { watermarkMs: 1200, as: 'defaulted' as const, limit: 10 };
    const first = await store.closeWindows(shard, close);
    assert.deepEqual(idsOf(first), ['0~a', '0~b']);
    assert.deepEqual(await store.closeWindows(shard, close), first);
    await store.free(shard, { ...NONE, closed: ['0~a'] });
    assert.deepEqual(idsOf(await store.closeWindows(shard, close)), ['0~b']);
    await store.free(shard, { ...NONE, closed: ['0~b'] });
    assert.deepEqual(await store.closeWindows(shard, close), []);
    assert.equal(await store.hasDue(shard, Infinity), false);
  });

  check('a joined prediction has no window to close', async (store, shard) => {
    await store.take(shard, [predictionItem('0~a', 100), labelItem('0~a', 150)]);
    assert.equal(await store.hasDue(shard, 99_999), false);
    assert.deepEqual(await store.closeWindows(shard, { watermarkMs: 99_999, as: 'dropped', limit: 10 }), []);
  });

  check('a window is due at its deadline and not before', async (store, shard) => {
    await store.take(shard, [predictionItem('0~a', 100)]);
    assert.equal(await store.hasDue(shard, 1099), false);
    assert.equal(await store.hasDue(shard, 1100), true);
  });

  check('payloads count in bytes until they are freed, and are freed once', async (store, shard) => {
    assert.equal(await store.bytes(shard), 0);
    await store.take(shard, [predictionItem('0~a', 100), labelItem('0~c', 100)]);
    const one = await store.bytes(shard);
    assert.equal(one, Buffer.byteLength(JSON.stringify(joinPrediction('0~a', 100))));
    await store.take(shard, [predictionItem('0~b', 100), labelItem('0~a', 150)]);
    assert.equal(await store.bytes(shard), 2 * one);
    await store.free(shard, { ...NONE, joined: ['0~a'] });
    await store.free(shard, { ...NONE, joined: ['0~a'] });
    assert.equal(await store.bytes(shard), one);
    await store.closeWindows(shard, { watermarkMs: 1100, as: 'dropped', limit: 10 });
    await store.free(shard, { ...NONE, closed: ['0~b'] });
    assert.equal(await store.bytes(shard), 0);
  });

  check('after its payload was freed a redelivered label gives nothing', async (store, shard) => {
    await store.take(shard, [predictionItem('0~a', 100), labelItem('0~a', 150)]);
    await store.free(shard, { ...NONE, joined: ['0~a'] });
    assert.equal(await kindOf(store, shard, labelItem('0~a', 150)), 'same');
    assert.equal(await kindOf(store, shard, labelItem('0~a', 160, { source: 'l/2' })), 'second');
  });

  check('entries are forgotten once the watermark has passed them, not at it', async (store, shard) => {
    await store.take(shard, [
      predictionItem('0~joined', 100),
      labelItem('0~joined', 150),
      labelItem('0~early', 100),
      predictionItem('0~open', 100),
    ]);
    await store.free(shard, { ...NONE, watermarkMs: 1100 });
    assert.equal(await kindOf(store, shard, labelItem('0~early', 100)), 'same');
    assert.equal(await kindOf(store, shard, labelItem('0~joined', 150, { source: 'l/2' })), 'second');
    await store.free(shard, { ...NONE, watermarkMs: 1101 });
    assert.equal(await kindOf(store, shard, labelItem('0~early', 100)), 'early');
    assert.equal(await kindOf(store, shard, labelItem('0~joined', 150, { source: 'l/2' })), 'early');
    assert.equal(await kindOf(store, shard, labelItem('0~open', 150)), 'joined');
  });

  check('one call forgets all that is past, however much it is', async (store, shard) => {
    const ids = Array.from({ length: 2500 }, (_, index) => `0~${String(index)}`);
    await store.take(
      shard,
      ids.flatMap((id) => [predictionItem(id, 100), labelItem(id, 150)]),
    );
    await store.free(shard, { ...NONE, watermarkMs: 1101 });
    assert.equal(await store.bytes(shard), 0);
    const outcomes = await store.take(
      shard,
      ids.map((id) => labelItem(id, 150, { source: `l/2/${id}` })),
    );
    assert.equal(outcomes.filter(({ kind }) => kind !== 'early').length, 0);
  });

  check(
    'what was consumed is remembered together with what is to be read next, zeros before',
    async (store, shard) => {
      assert.deepEqual(await store.consumed(shard), { predictions: 0, labels: 0, watermarkMs: 0 });
      const progress = { predictions: 1_790_000_000_000, labels: 1_790_000_000_001, watermarkMs: 5 };
      await store.take(shard, [predictionItem('0~a', 100)]);
      await store.setPosition(`labels.v1/${shard}`, 3, new Map([[shard, progress]]));
      assert.deepEqual(await store.consumed(shard), progress);
      assert.ok((await store.bytes(shard)) > 0);
    },
  );

  check('the next offset of a partition is remembered, nothing before', async (store, shard, stores) => {
    assert.equal(await stores.position(`labels.v1/${shard}`), undefined);
    await store.setPosition(`labels.v1/${shard}`, 12, new Map());
    await store.setPosition(`predictions.v1/${shard}`, 9_007_199_254_740_991, new Map());
    assert.equal(await stores.position(`labels.v1/${shard}`), 12);
    assert.equal(await stores.position(`predictions.v1/${shard}`), 9_007_199_254_740_991);
  });

  check('whoever owned a partition before changes nothing any more', async (before, shard, stores) => {
    await before.take(shard, [predictionItem('0~a', 100), predictionItem('0~b', 100), labelItem('0~b', 120)]);
    const store = await stores.own(OTHER_PARTITION);
    const same = await stores.own(OTHER_PARTITION);
    const late = [
      (): Promise<unknown> => store.take(shard, [labelItem('0~a', 150)]),
      (): Promise<unknown> => store.closeWindows(shard, { watermarkMs: 9999, as: 'defaulted', limit: 10 }),
      (): Promise<unknown> => store.free(shard, { joined: ['0~b'], closed: [], watermarkMs: 0 }),
      (): Promise<unknown> => store.free(shard, { ...NONE, watermarkMs: 9999 }),
      (): Promise<unknown> => store.setPosition(`labels.v1/${shard}`, 7, new Map()),
    ];
    const bytes = await before.bytes(shard);
    for (const call of late) await assert.rejects(call(), { code: 'redis-fenced', retriable: false });
    assert.equal(await same.bytes(shard), bytes);
    assert.equal(await same.hasDue(shard, 9999), true);
    assert.equal(await stores.position(`labels.v1/${shard}`), undefined);
    assert.equal(await kindOf(same, shard, labelItem('0~a', 150)), 'joined');
  });

  check('a partition that is taken over leaves others with their owners', async (store, shard, stores) => {
    await stores.own(OTHER_PARTITION);
    assert.equal(await kindOf(store, shard, predictionItem('0~a', 100)), 'open');
  });

  check('shards know nothing of each other', async (store, shard) => {
    const other = shard.replace('#0', '#1');
    await store.take(shard, [predictionItem('0~a', 100)]);
    assert.equal(await kindOf(store, other, labelItem('0~a', 150)), 'early');
    assert.equal(await store.bytes(other), 0);
    assert.equal(await store.hasDue(other, Infinity), false);
  });
}

import type { Redis } from 'ioredis';
import { createShardCheckpoint } from '../../../shared/checkpoint/checkpoint-store.ts';
import type { ShardCheckpoint } from '../../../shared/checkpoint/checkpoint-store.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { PAGE_BYTES } from '../../../shared/domain/state-section.ts';
import { PagedState } from '../../contract/checkpoint/paged-state.ts';
import { createTurns } from './turns.ts';

const SIZES = { weights: 5 * PAGE_BYTES + 7, counters: 100 };
const SAVES_MAX = 4;
const BYTES_PER_SAVE = 3;

/** What interleaved owners of one shard did, over all interleavings. */
export interface InterleavingCounts {
  /** Calls of owners whose epoch had been raised by somebody else. */
  losersCalls: number;
  /** Those after which anything stored was different. */
  losersChanges: number;
  /** Saves of losers that said they had saved. */
  losersSaves: number;
  /** Interleavings after which the stored state was not the last owner's. */
  wrongStates: number;
}

/** An owner that believes the shard is its own: it takes over, then changes and saves its state a few times. */
class Owner {
  readonly checkpoint: ShardCheckpoint;
  /** The state that is stored if nobody else is to have the shard. */
  stored: { position: string; contents: ReadonlyMap<string, Uint8Array> } | undefined;
  hasTakenOver = false;
  isOver = false;
  /** Whether somebody else owned the shard when it made its newest call. */
  hasLost = false;
  /** Saves that said they had saved although the shard was somebody else's. */
  wrongSaves = 0;

  constructor(redis: Redis, prefix: string) {
    this.checkpoint = createShardCheckpoint(redis, prefix);
  }

  async work(rng: Rng): Promise<void> {
    const loaded = await this.checkpoint.takeOver();
    this.hasTakenOver = true;
    const state = loaded === undefined ? new PagedState(SIZES) : PagedState.of(loaded.sections);
    this.stored = loaded && { position: loaded.position, contents: state.contents() };
    let position = Number(loaded?.position ?? 0);
    for (let save = rng.int(SAVES_MAX) + 1; save > 0; save -= 1) {
      for (let byte = 0; byte < BYTES_PER_SAVE; byte += 1)
        state.write('weights', rng.int(SIZES.weights), rng.int(256));
      position += 1 + rng.int(5);
      const picture = { position: String(position), contents: state.contents() };
      const result = await this.checkpoint.save(() => ({
        position: picture.position,
        meta: {},
        sections: state.sections(),
      }));
      if (result === 'fenced') break;
      if (this.hasLost) this.wrongSaves += 1;
      this.stored = picture;
    }
    this.isOver = true;
  }
}

/** Returns everything stored as text, sorted: Redis lists a hash in another order while it makes it larger. */
async function dump(redis: Redis, prefix: string): Promise<string> {
  const head = Object.entries(await redis.hgetall(`{${prefix}}:head`));
  const pages = Object.entries(await redis.hgetallBuffer(`{${prefix}}:pages`));
  return [
    ...head.map(([field, text]) => `${field} ${text}`),
    ...pages.map(([field, bytes]) => `${field} ${bytes.toString('base64')}`),
  ]
    .sort()
    .join('\n');
}

function isSame(
  loaded: { position: string; sections: ReadonlyMap<string, Uint8Array> } | undefined,
  owner: Owner,
): boolean {
  if (loaded === undefined || owner.stored === undefined) return loaded === owner.stored;
  const { position, contents } = owner.stored;
  return (
    loaded.position === position &&
    [...contents].every(([name, bytes]) =>
      Buffer.from(bytes).equals(loaded.sections.get(name) ?? Buffer.of()),
    )
  );
}

/**
 * Lets two or three owners that all believe they own one shard work at the same time, every script of theirs in a seeded
 * order. After each call of an owner that somebody has replaced, everything stored must be as it was before the call; at the
 * end the stored state must be the last owner's.
 */
export async function interleave(
  redis: Redis,
  index: number,
  seed: number,
  counts: InterleavingCounts,
): Promise<void> {
  const rng = createRng(seed + index);
  const prefix = `fencing-${String(seed)}-${String(index)}`;
  const head = `{${prefix}}:head`;
  const turns = createTurns(redis);
  const epochNow = async (): Promise<number> => Number(await redis.hget(head, 'epoch'));
  const owners = new Map<string, Owner>();
  for (let n = 0; n < 2 + rng.int(2); n += 1) {
    const name = `owner ${String(n)}`;
    owners.set(name, new Owner(turns.connectionOf(name), prefix));
  }
  const working = Promise.all(
    [...owners.values()].map((owner, n) => owner.work(createRng(seed + 7919 * index + n))),
  );
  const isOver = (): boolean => [...owners.values()].every((owner) => owner.isOver);
  await turns.run(
    rng,
    async (name, call) => {
      const owner = owners.get(name);
      if (owner === undefined) throw new TypeError(`no ${name}`);
      owner.hasLost = owner.hasTakenOver && owner.checkpoint.epoch() !== (await epochNow());
      const before = owner.hasLost ? await dump(redis, prefix) : '';
      await call();
      if (!owner.hasLost) return;
      counts.losersCalls += 1;
      if ((await dump(redis, prefix)) !== before) counts.losersChanges += 1;
    },
    isOver,
  );
  await working;
  const last = [...owners.values()].reduce((a, b) => (a.checkpoint.epoch() > b.checkpoint.epoch() ? a : b));
  for (const { wrongSaves } of owners.values()) counts.losersSaves += wrongSaves;
  const loaded = await createShardCheckpoint(redis, prefix).takeOver();
  if (!isSame(loaded, last)) counts.wrongStates += 1;
  await redis.del(head, `{${prefix}}:pages`);
}

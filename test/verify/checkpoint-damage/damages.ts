import type { Redis } from 'ioredis';
import type { Manifest } from '../../../shared/checkpoint/manifest.ts';
import { pageField } from '../../../shared/checkpoint/manifest.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import type { StoredMilestones } from './stored-milestones.ts';

/** What a learner must go on from after a damage. */
export type Expected = 'previous-generation' | 'milestone' | 'log';

/** The stored state of one shard, for whoever damages it. */
export interface StoredState {
  readonly redis: Redis;
  /** Key of the hash of epoch, position and manifests. */
  readonly head: string;
  /** Key of the hash of pages. */
  readonly pages: string;
  readonly milestones: StoredMilestones;
  readonly rng: Rng;
}

/** One way to damage a stored state. */
export interface Damage {
  readonly name: string;
  readonly expected: Expected;
  apply(state: StoredState): Promise<void>;
}

/** Changes some bytes; null deletes them. */
type Harm = (bytes: Buffer, rng: Rng) => Buffer | null;

const HARMS: Readonly<Record<string, Harm>> = {
  flipped(bytes, rng) {
    const harmed = Buffer.from(bytes);
    const at = rng.int(harmed.length);
    harmed[at] = (harmed[at] ?? 0) ^ (1 << rng.int(8));
    return harmed;
  },
  truncated: (bytes, rng) => bytes.subarray(0, rng.int(bytes.length)),
  deleted: () => null,
};

async function harmField(
  { redis, rng }: StoredState,
  { key, field, harm }: { readonly key: string; readonly field: string; readonly harm: Harm },
): Promise<void> {
  const bytes = await redis.hgetBuffer(key, field);
  if (bytes === null) throw new TypeError(`${key} has no ${field}`);
  const harmed = harm(bytes, rng);
  if (harmed === null) await redis.hdel(key, field);
  else await redis.hset(key, field, harmed);
}

async function manifestOf({ redis, head }: StoredState, name: 'manifest' | 'previous'): Promise<Manifest> {
  return JSON.parse((await redis.hget(head, name)) ?? '{}') as Manifest;
}

/** Returns fields of pages that the newest generation names: those that only it names, or those that both do. */
async function pageFields(state: StoredState, which: 'newest' | 'both'): Promise<string[]> {
  const fieldsOf = ({ sections }: Manifest): string[] =>
    sections.flatMap(({ name, pages }) => pages.map(({ slot }, page) => pageField(name, page, slot)));
  const before = new Set(fieldsOf(await manifestOf(state, 'previous')));
  return fieldsOf(await manifestOf(state, 'manifest')).filter(
    (field) => before.has(field) === (which === 'both'),
  );
}

async function harmPage(state: StoredState, which: 'newest' | 'both', harm: Harm): Promise<void> {
  const fields = await pageFields(state, which);
  const field = fields[state.rng.int(fields.length)];
  if (field === undefined) throw new TypeError(`no page is of ${which}`);
  await harmField(state, { key: state.pages, field, harm });
}

async function harmBothManifests(state: StoredState, harm: Harm): Promise<void> {
  for (const field of ['manifest', 'previous']) await harmField(state, { key: state.head, field, harm });
}

/** Every way in which pages, manifests and milestones can be damaged, with what must be gone on from. */
export const DAMAGES: readonly Damage[] = Object.entries(HARMS).flatMap(([how, harm]): Damage[] => [
  {
    name: `a page of the newest generation ${how}`,
    expected: 'previous-generation',
    apply: (state) => harmPage(state, 'newest', harm),
  },
  {
    name: `the newest manifest ${how}`,
    expected: 'previous-generation',
    apply: (state) => harmField(state, { key: state.head, field: 'manifest', harm }),
  },
  {
    name: `the digest of the newest manifest ${how}`,
    expected: 'previous-generation',
    apply: (state) => harmField(state, { key: state.head, field: 'digest', harm }),
  },
  {
    name: `a page of both generations ${how}`,
    expected: 'milestone',
    apply: (state) => harmPage(state, 'both', harm),
  },
  {
    name: `both manifests ${how}`,
    expected: 'milestone',
    apply: (state) => harmBothManifests(state, harm),
  },
  {
    name: `both manifests and the newest milestone ${how}`,
    expected: 'milestone',
    async apply(state) {
      await harmBothManifests(state, harm);
      await state.milestones.harmNewest((bytes) => harm(bytes, state.rng));
    },
  },
  {
    name: `both manifests ${how}, all milestones gone`,
    expected: 'log',
    async apply(state) {
      await harmBothManifests(state, harm);
      await state.milestones.deleteAll();
    },
  },
]);

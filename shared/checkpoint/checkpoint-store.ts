import type { Redis } from 'ioredis';
import { HeadraceError } from '../errors.ts';
import type { StateSection } from '../domain/state-section.ts';
import { onRedis } from '../redis/connect.ts';
import { captureState } from './capture.ts';
import type { Capture, PageWrite } from './capture.ts';
import { digestOf, pageField, parseManifest } from './manifest.ts';
import type { Manifest, SectionEntry } from './manifest.ts';
import { FLIP_MANIFEST, RAISE_EPOCH, WRITE_PAGES } from './scripts.ts';

const PAGES_PER_CALL = 64;
const FIELDS_PER_CALL = 4000;

/** A state as it was stored. */
export interface LoadedCheckpoint {
  readonly position: string;
  readonly meta: unknown;
  /** Bytes of every section by name. */
  readonly sections: ReadonlyMap<string, Uint8Array>;
  /** True when the newest generation was damaged and the one before was used. */
  readonly isFallback: boolean;
  /** What was damaged, in words, when it is a fallback. */
  readonly damage: string | undefined;
}

/** What the state is stored under and where it stands. */
export interface SaveInput {
  readonly position: string;
  /** JSON-serialisable extras: digest of the last record, versions, code version. */
  readonly meta: unknown;
  readonly sections: readonly StateSection[];
}

/** The checkpoint of one shard, owned by at most one process at a time. */
export interface ShardCheckpoint {
  /** Raises the epoch, so that every earlier owner is refused from now on, and loads what is stored. */
  takeOver(): Promise<LoadedCheckpoint | undefined>;
  /** Epoch of this owner; 0 before `takeOver`. */
  readonly epoch: () => number;
  /** Returns whether the epoch is still ours. */
  isOwned(): Promise<boolean>;
  /**
   * Stores the state as it is when its turn comes, which is before `save` returns unless another save is under way or one
   * has failed: `take` is called then, once, and everything it names is copied before anything else runs. Pages first,
   * then one compare-and-set of the manifest. Saves never overlap. Returns 'fenced' when somebody took the shard over:
   * drop it then. A retriable failure leaves the picture taken; the next `save` stores that one first.
   */
  save(take: () => SaveInput): Promise<'saved' | 'fenced'>;
  /** Returns what the last successful save cost. */
  readonly lastCost: () => SaveCost;
}

/** What a save cost. */
export interface SaveCost {
  /** Time this thread was busy with it, ms. */
  readonly busyMs: number;
  /** Bytes of the pages written. */
  readonly writtenBytes: number;
}

/** Moments in a save or a take-over at which dying must be harmless. */
export type CheckpointMoment =
  'epoch-raised' | 'state-loaded' | 'state-captured' | 'page-written' | 'pages-written' | 'manifest-flipped';

/** What a checkpoint may be given besides its place. */
export interface ShardCheckpointOptions {
  /**
   * Epoch to begin with where Redis knows none, such as the time in ms: epochs then go on rising even when Redis lost
   * everything, and whoever compares them is not misled. Default 1.
   */
  readonly leastEpoch?: () => number;
  /** Monotonic clock that measures what a save costs, ms. Default: nothing is measured. */
  readonly monotonicMs?: () => number;
  /** Called at every named moment; a proof ends the process there. */
  readonly onMoment?: (moment: CheckpointMoment) => void;
}

/** Returns the checkpoint of a shard under a key prefix such as `headrace:learner:flights-late#0`. */
export function createShardCheckpoint(
  redis: Redis,
  prefix: string,
  options: ShardCheckpointOptions = {},
): ShardCheckpoint {
  const { leastEpoch = () => 1, monotonicMs = () => 0, onMoment = () => undefined } = options;
  const head = `{${prefix}}:head`;
  const pages = `{${prefix}}:pages`;
  let epoch = 0;
  let current: Manifest | undefined;
  let currentText = '';
  /** Position the store holds, which differs from the loaded one after a fallback. */
  let storedPosition = '';
  let pending: Capture | undefined;
  /** Sections that the manifest before the current one still named. */
  let gone: readonly SectionEntry[] = [];
  let saving: Promise<unknown> | undefined;
  let cost: SaveCost = { busyMs: 0, writtenBytes: 0 };
  let busyMs = 0;

  /** Returns what `work` returns, and counts the time for which it keeps the thread. */
  function busy<T>(work: () => T): T {
    const startMs = monotonicMs();
    try {
      return work();
    } finally {
      busyMs += monotonicMs() - startMs;
    }
  }

  async function readState(manifest: Manifest): Promise<Map<string, Uint8Array> | string> {
    const sections = new Map<string, Uint8Array>();
    for (const { name, byteLength, pages: entries } of manifest.sections) {
      const fields = entries.map(({ slot }, page) => pageField(name, page, slot));
      const parts: Buffer[] = [];
      for (let from = 0; from < fields.length; from += PAGES_PER_CALL) {
        const found = await redis.hmgetBuffer(pages, ...fields.slice(from, from + PAGES_PER_CALL));
        for (const [index, bytes] of found.entries()) {
          const page = from + index;
          if (bytes === null) return `page ${String(page)} of section ${name} is missing`;
          if (digestOf(bytes) !== entries[page]?.digest)
            return `page ${String(page)} of section ${name} is damaged`;
          parts.push(bytes);
        }
      }
      const bytes = Buffer.concat(parts);
      if (bytes.length !== byteLength)
        return `section ${name} has ${String(bytes.length)} of ${String(byteLength)} bytes`;
      sections.set(name, bytes);
    }
    return sections;
  }

  async function loadGeneration(
    text: string | undefined,
    digest: string | undefined,
  ): Promise<LoadedCheckpoint | string> {
    if (text === undefined || text === '' || digest === undefined) return 'there is no manifest';
    const manifest = parseManifest(text, digest);
    if (typeof manifest === 'string') return manifest;
    const sections = await readState(manifest);
    if (typeof sections === 'string') return sections;
    current = manifest;
    currentText = text;
    return {
      position: manifest.position,
      meta: manifest.meta,
      sections,
      isFallback: false,
      damage: undefined,
    };
  }

  async function load(): Promise<LoadedCheckpoint | undefined> {
    const stored = await redis.hgetall(head);
    storedPosition = stored['position'] ?? '';
    if (stored['position'] === undefined) return undefined;
    const newest = await loadGeneration(stored['manifest'], stored['digest']);
    if (typeof newest !== 'string') return newest;
    const before = await loadGeneration(stored['previous'], stored['previousDigest']);
    if (typeof before !== 'string') return { ...before, isFallback: true, damage: newest };
    throw new HeadraceError(`loading checkpoint ${prefix}: ${newest}; the generation before: ${before}`, {
      code: 'checkpoint-damaged',
      retriable: false,
    });
  }

  async function writePages(writes: readonly PageWrite[]): Promise<boolean> {
    for (let from = 0; from < writes.length; from += PAGES_PER_CALL) {
      const args: (string | Buffer)[] = [String(epoch)];
      for (const { field, bytes } of writes.slice(from, from + PAGES_PER_CALL)) {
        args.push(field, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      }
      if ((await busy(() => redis.eval(WRITE_PAGES, 2, head, pages, ...args))) === 0) return false;
      onMoment('page-written');
    }
    onMoment('pages-written');
    return true;
  }

  async function store(capture: Capture): Promise<boolean> {
    if (!(await writePages(capture.writes))) return false;
    const text = JSON.stringify(capture.manifest);
    const flipped = await redis.eval(
      FLIP_MANIFEST,
      2,
      head,
      pages,
      String(epoch),
      storedPosition,
      capture.manifest.position,
      text,
      digestOf(text),
      currentText,
      currentText === '' ? '' : digestOf(currentText),
    );
    if (flipped === 0) return false;
    onMoment('manifest-flipped');
    await forgetSections(capture.manifest);
    current = capture.manifest;
    currentText = text;
    storedPosition = capture.manifest.position;
    return true;
  }

  /** Deletes pages of sections that left the state a flip ago: neither generation names them any more. */
  async function forgetSections(next: Manifest): Promise<void> {
    const kept = new Set(next.sections.map(({ name }) => name));
    const dead = gone
      .filter(({ name }) => !kept.has(name))
      .flatMap(({ name, pages: entries }) =>
        entries.flatMap((_entry, page) => [pageField(name, page, 0), pageField(name, page, 1)]),
      );
    for (let from = 0; from < dead.length; from += FIELDS_PER_CALL)
      await redis.hdel(pages, ...dead.slice(from, from + FIELDS_PER_CALL));
    gone = (current?.sections ?? []).filter(({ name }) => !kept.has(name));
  }

  async function saveNow(take: () => SaveInput): Promise<'saved' | 'fenced'> {
    const storeNow = (capture: Capture): Promise<boolean> =>
      onRedis(`saving checkpoint ${prefix}`, () => store(capture));
    if (pending !== undefined && !(await storeNow(pending))) return 'fenced';
    busyMs = 0;
    const capture = busy(() => captureState({ epoch, current, ...take() })); // its failure is not Redis's
    pending = capture;
    onMoment('state-captured');
    if (!(await storeNow(capture))) return 'fenced';
    pending = undefined;
    cost = { busyMs, writtenBytes: capture.writes.reduce((sum, { bytes }) => sum + bytes.length, 0) };
    return 'saved';
  }

  return {
    epoch: () => epoch,
    takeOver: () =>
      onRedis(`taking over checkpoint ${prefix}`, async () => {
        pending = undefined;
        current = undefined;
        currentText = '';
        gone = [];
        epoch = Number(await redis.eval(RAISE_EPOCH, 2, head, pages, leastEpoch()));
        onMoment('epoch-raised');
        const loaded = await load();
        onMoment('state-loaded');
        return loaded;
      }),
    isOwned: () =>
      onRedis(
        `reading the epoch of ${prefix}`,
        async () => (await redis.hget(head, 'epoch')) === String(epoch),
      ),
    async save(take) {
      while (saving !== undefined) await saving.catch(() => undefined); // its own caller hears of the failure
      const saved = saveNow(take);
      saving = saved;
      try {
        return await saved;
      } finally {
        saving = undefined;
      }
    },
    lastCost: () => cost,
  };
}

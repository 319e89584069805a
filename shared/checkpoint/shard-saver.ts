import { checkpointPauseMs } from '../domain/checkpoint-pace.ts';
import type { StateSection } from '../domain/state-section.ts';
import type { SaveCost, ShardCheckpoint } from './checkpoint-store.ts';

/** A state as it is at one moment, ready to be copied. */
export interface ShardPicture {
  /** Position, or positions, in the owner's own notation. */
  readonly position: string;
  /** Number of changes so far that move no position: births, halts, what is kept beside the state. */
  readonly changes: number;
  readonly meta: unknown;
  readonly sections: readonly StateSection[];
}

/** What saving needs. */
export interface ShardSaverDeps {
  readonly checkpoint: ShardCheckpoint;
  readonly monotonicMs: () => number;
  /** Least time between two checkpoints, ms. */
  readonly intervalMs: number;
  /** Position of the checkpoint that was loaded; empty for none. */
  readonly savedPosition: string;
  /** Called synchronously when a save begins: the state must not hold what is not acknowledged. */
  readonly picture: () => ShardPicture;
  readonly onSaved: (cost: SaveCost, seconds: number) => void;
}

/**
 * Saves one shard: its picture is taken at once, the writing goes on while the shard learns. The interval grows where a large
 * state would make saving take more than its share of the time.
 */
export class ShardSaver {
  readonly #deps: ShardSaverDeps;
  #saved: { position: string; changes: number };
  #beganAtMs: number;
  #busyMs = 0;
  #isSaving = false;
  #failure: unknown;
  #isFenced = false;

  constructor(deps: ShardSaverDeps) {
    this.#deps = deps;
    this.#saved = { position: deps.savedPosition, changes: 0 };
    this.#beganAtMs = deps.monotonicMs();
  }

  /** Position that is durable: where a restart would begin; empty before the first save. */
  get savedPosition(): string {
    return this.#saved.position;
  }

  get savedChanges(): number {
    return this.#saved.changes;
  }

  /** Whether somebody else owns the shard now. */
  get isFenced(): boolean {
    return this.#isFenced;
  }

  /** Whether the last save failed: the next one must be waited for, so that a lost Redis is noticed. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether it is time for another save. */
  isDue(): boolean {
    if (this.#isSaving) return false;
    const { intervalMs, monotonicMs } = this.#deps;
    return monotonicMs() - this.#beganAtMs >= checkpointPauseMs(intervalMs, this.#busyMs);
  }

  /** Takes the picture now and stores it in the background; what becomes of it shows in `isFenced` and `hasFailed`. */
  begin(): void {
    this.save().catch(() => undefined); // remembered in `hasFailed`
  }

  /** Takes the picture, now unless a save is under way, and resolves when it is stored. Throws retriable errors. */
  async save(): Promise<'saved' | 'fenced'> {
    const { checkpoint, monotonicMs, picture, onSaved } = this.#deps;
    const startMs = monotonicMs();
    let taken = this.#saved;
    this.#isSaving = true;
    try {
      const result = await checkpoint.save(() => {
        this.#beganAtMs = monotonicMs();
        const { position, changes, meta, sections } = picture();
        taken = { position, changes };
        return { position, meta, sections };
      });
      this.#failure = undefined;
      if (result === 'fenced') {
        this.#isFenced = true;
        return result;
      }
      this.#saved = taken;
      const cost = checkpoint.lastCost();
      this.#busyMs = cost.busyMs;
      onSaved(cost, (monotonicMs() - startMs) / 1000);
      return result;
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#isSaving = false;
    }
  }
}

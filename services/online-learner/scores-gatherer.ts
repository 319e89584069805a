import type { ScoredEvent, ScoredRun, TrainingEvents } from '../../shared/domain/events.ts';
import type { OutRecord, ShardPlace } from './ports.ts';

/** Events of one record of scores.v1, at most: far below a mebibyte. */
const EVENTS_MAX = 2000;

/** Gathers the scores of many records into few: Kafka and kafkajs cost by the record. */
export class ScoresGatherer {
  readonly #place: ShardPlace;
  #versions: readonly number[] = [];
  #events: ScoredEvent[] = [];
  #runs: ScoredRun[] = [];
  #watermarkMs: number | null = null;
  #full: OutRecord[] = [];

  constructor(place: ShardPlace) {
    this.#place = place;
  }

  /**
   * Adds what a record led to.
   *
   * @param versions live versions, as the scores of its events are ordered
   */
  add(
    record: TrainingEvents,
    offset: number,
    versions: readonly number[],
    events: readonly ScoredEvent[],
  ): void {
    if (events.length === 0 && record.watermarkMs === null) return;
    if (versions.join() !== this.#versions.join() || this.#events.length + events.length > EVENTS_MAX)
      this.#close();
    this.#versions = versions;
    for (const event of events) this.#events.push(event);
    this.#runs.push({ position: offset, events: events.length });
    if (record.watermarkMs !== null) this.#watermarkMs = Math.max(this.#watermarkMs ?? 0, record.watermarkMs);
  }

  /** Returns the records of everything added since the last call, in order. */
  take(): OutRecord[] {
    this.#close();
    const taken = this.#full;
    this.#full = [];
    return taken;
  }

  #close(): void {
    const last = this.#runs.at(-1);
    if (last === undefined) return;
    const { model, shard, shardKey: key, partition } = this.#place;
    const value = {
      model,
      shard,
      position: last.position,
      versions: this.#versions,
      watermarkMs: this.#watermarkMs,
      events: this.#events,
      runs: this.#runs,
    };
    this.#full.push({ topic: 'scores.v1', key, partition, value });
    this.#events = [];
    this.#runs = [];
    this.#watermarkMs = null;
  }
}

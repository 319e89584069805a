import { AvroWriter } from '../../shared/domain/avro-writer.ts';
import type { TrainingEvents } from '../../shared/domain/events.ts';
import type { ScoredExample } from './domain/applied-records.ts';
import type { OutRecord, ShardPlace } from './ports.ts';

/** Events of one record of scores.v1, at most: far below a mebibyte. */
const EVENTS_MAX = 2000;

/**
 * Gathers the scores of many records into few: Kafka and kafkajs cost by the record. The body of a record of scores.v1 is
 * written here, event by event, in the order of its schema.
 */
export class ScoresGatherer {
  readonly #place: ShardPlace;
  readonly #body = new AvroWriter();
  readonly #events = new AvroWriter();
  readonly #runs = new AvroWriter();
  #versions: readonly number[] = [];
  #eventCount = 0;
  #runCount = 0;
  /** Events of the record that is being applied. */
  #ofRecord = 0;
  #position = 0;
  #watermarkMs: number | null = null;
  #full: OutRecord[] = [];

  constructor(place: ShardPlace) {
    this.#place = place;
  }

  /**
   * Begins with the events of a record.
   *
   * @param versions live versions, as the scores of its events are ordered
   */
  begin(versions: readonly number[]): void {
    if (!isSame(versions, this.#versions) || this.#eventCount >= EVENTS_MAX) this.#close();
    this.#versions = versions;
    this.#ofRecord = 0;
  }

  /** Adds what every version scored of an event. */
  add(example: ScoredExample): void {
    const events = this.#events;
    events.writeBytes(example.idBytes, example.idFrom, example.idTo);
    events.writeLong(example.eventTimeMs);
    events.writeDouble(example.label);
    events.writeDouble(example.weight);
    const { scores, versions } = example;
    events.writeLong(versions);
    for (let v = 0; v < versions; v++) {
      const score = scores[v] ?? NaN;
      if (Number.isNaN(score)) {
        events.writeLong(0);
        continue;
      }
      events.writeLong(1);
      events.writeDouble(score);
    }
    if (versions > 0) events.writeLong(0);
    events.writeBoolean(example.isServed);
    this.#ofRecord += 1;
  }

  /** Ends the events of a record. A record that led to nothing leaves no trace. */
  end({ watermarkMs }: Pick<TrainingEvents, 'watermarkMs'>, offset: number): void {
    if (this.#ofRecord === 0 && watermarkMs === null) return;
    this.#eventCount += this.#ofRecord;
    this.#runs.writeLong(offset);
    this.#runs.writeLong(this.#ofRecord);
    this.#runCount += 1;
    this.#position = offset;
    if (watermarkMs !== null) this.#watermarkMs = Math.max(this.#watermarkMs ?? 0, watermarkMs);
  }

  /** Returns the records of everything added since the last call, in order. */
  take(): OutRecord[] {
    this.#close();
    const taken = this.#full;
    this.#full = [];
    return taken;
  }

  #close(): void {
    if (this.#runCount === 0) return;
    const { model, shard, shardKey: key, partition } = this.#place;
    const body = this.#body;
    body.clear();
    body.writeString(model);
    body.writeLong(shard);
    body.writeLong(this.#position);
    writeBlock(body, this.#versions.length, () => {
      for (const version of this.#versions) body.writeLong(version);
    });
    body.writeLong(this.#watermarkMs === null ? 0 : 1);
    if (this.#watermarkMs !== null) body.writeLong(this.#watermarkMs);
    writeBlock(body, this.#eventCount, () => {
      body.append(this.#events);
    });
    writeBlock(body, this.#runCount, () => {
      body.append(this.#runs);
    });
    this.#full.push({ topic: 'scores.v1', key, partition, value: body.take() });
    this.#events.clear();
    this.#runs.clear();
    this.#eventCount = 0;
    this.#runCount = 0;
    this.#watermarkMs = null;
  }
}

/** Writes an array: one block of items, and the end. */
function writeBlock(body: AvroWriter, count: number, writeItems: () => void): void {
  if (count > 0) {
    body.writeLong(count);
    writeItems();
  }
  body.writeLong(0);
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}

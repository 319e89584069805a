import type { ByteSpan } from '../domain/byte-span.ts';
import type { TrainingEvent, TrainingEvents } from '../domain/events.ts';
import type { PackedEvents, PackedHeader } from '../domain/packed-events.ts';

/** A record of training-events.v1 whose events stay in its bytes until somebody asks for them as objects. */
export class PackedTrainingEvents implements TrainingEvents, PackedEvents {
  readonly model: string;
  readonly shard: number;
  readonly featureNames: readonly string[];
  readonly watermarkMs: number | null;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
  readonly #from: number;
  readonly #decode: (record: ByteSpan) => readonly TrainingEvent[];
  #events: readonly TrainingEvent[] | undefined;

  /**
   * @param from where the record begins in the header's bytes
   * @param decode returns the events of a whole record
   */
  constructor(header: PackedHeader, from: number, decode: (record: ByteSpan) => readonly TrainingEvent[]) {
    this.model = header.model;
    this.shard = header.shard;
    this.featureNames = header.featureNames;
    this.watermarkMs = header.watermarkMs;
    this.bytes = header.bytes;
    this.at = header.at;
    this.end = header.end;
    this.#from = from;
    this.#decode = decode;
  }

  get packed(): PackedEvents {
    return this;
  }

  get events(): readonly TrainingEvent[] {
    return (this.#events ??= this.#decode({ bytes: this.bytes, from: this.#from, to: this.end }));
  }
}

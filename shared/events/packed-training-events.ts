import type { TrainingEvent, TrainingEvents } from '../domain/events.ts';
import type { PackedEvents, PackedHeader } from '../domain/packed-events.ts';

/** A record of training-events.v1 whose events stay in its bytes until somebody asks for them as objects. */
export class PackedTrainingEvents implements TrainingEvents {
  readonly model: string;
  readonly shard: number;
  readonly featureNames: readonly string[];
  readonly watermarkMs: number | null;
  readonly packed: PackedEvents;
  readonly #decode: () => readonly TrainingEvent[];
  #events: readonly TrainingEvent[] | undefined;

  constructor(header: PackedHeader, decode: () => readonly TrainingEvent[]) {
    this.model = header.model;
    this.shard = header.shard;
    this.featureNames = header.featureNames;
    this.watermarkMs = header.watermarkMs;
    this.packed = header.packed;
    this.#decode = decode;
  }

  get events(): readonly TrainingEvent[] {
    return (this.#events ??= this.#decode());
  }
}

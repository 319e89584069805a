/** What a writer of snapshots has to know. */
export interface WriterInput {
  readonly brokers: readonly string[];
  readonly schemaRegistryUrl: string;
  readonly partitions: number;
  readonly model: string;
  /** Its spec, as it was registered. */
  readonly spec: object;
}

/** What a writer is asked to do; it answers each. */
export type WriterAsk =
  | { readonly kind: 'open'; readonly input: WriterInput }
  /** Makes so many snapshots ahead and writes one every so many milliseconds, to this topic, from then on. */
  | { readonly kind: 'start'; readonly topic: string; readonly everyMs: number; readonly ahead: number }
  | { readonly kind: 'stop' };

/** What it answers. */
export interface WriterSaid {
  readonly kind: 'done';
}

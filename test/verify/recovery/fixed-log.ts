import avro from 'avsc';
import type { Schema } from 'avsc';
import { readFlights } from '../../../deploy/demo/flights.ts';
import type { Flight } from '../../../deploy/demo/flights.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { createCodec, schemaOf } from '../../../shared/events/codec.ts';
import { registerSchema } from '../../../shared/events/schema-registration.ts';
import { createTrainingEventEncoder } from '../../../shared/events/training-event-encoder.ts';
import type { ProducedEvent } from '../../../shared/events/training-event-encoder.ts';

const SUBJECT = 'training-events.v1-value';
/** Record times begin so long ago: what is older than the topic's retention would be deleted under the proof's feet. */
const FIRST_RECORD_AGO_MS = 3 * 60 * 60 * 1000;
const MS_PER_EVENT = 3;
const BATCH_EVENTS = 32;

/** A message of the log. */
export interface LogMessage {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly partition: number;
  readonly timestamp: string;
}

/** Messages that are written together, plainly or in a transaction that is committed or aborted. */
export interface LogWrite {
  readonly kind: 'plain' | 'committed' | 'aborted';
  readonly messages: readonly LogMessage[];
}

/** The whole log, part by part. */
export interface FixedLog {
  /** Distinct events that are to be learned, in all. */
  readonly events: number;
  /** Records of every shape, counted. */
  readonly shapes: Readonly<Record<string, number>>;
  readonly parts: readonly (readonly LogWrite[])[];
}

/** What the log is made of. */
export interface FixedLogInput {
  readonly schemaRegistryUrl: string;
  readonly model: string;
  readonly partitions: number;
  readonly events: number;
  readonly parts: number;
  readonly rng: Rng;
}

function producedOf({ id, route, landingMs, features, label }: Flight): ProducedEvent {
  return { id, subject: route, eventTimeMs: landingMs, features, label };
}

/** Registers a schema with one field more and returns what encodes with it. */
async function newerEncoder(schemaRegistryUrl: string): Promise<(present: Buffer) => Buffer> {
  const newer = structuredClone(schemaOf('training-events.v1')) as unknown as { fields: object[] };
  newer.fields.push({ name: 'tenant', type: 'string', doc: 'Whose it is.', default: '' });
  await registerSchema(schemaRegistryUrl, SUBJECT, newer as unknown as Schema);
  const answer = await fetch(`${schemaRegistryUrl}/subjects/${SUBJECT}/versions/latest`);
  const { id } = (await answer.json()) as { id: number };
  const [present, changed] = [
    avro.Type.forSchema(schemaOf('training-events.v1')),
    avro.Type.forSchema(newer as unknown as Schema),
  ];
  const codec = createCodec(schemaRegistryUrl, Date.now);
  await codec.prepare(['training-events.v1']);
  return (value) => {
    const record = present.fromBuffer(value.subarray(5)) as object;
    const header = Buffer.alloc(5);
    header.writeInt32BE(id, 1);
    return Buffer.concat([header, changed.toBuffer({ ...record, tenant: 'somebody' })]);
  };
}

/** Returns a message that no consumer can decode. */
function poison(rng: Rng, like: LogMessage): LogMessage {
  const shapes = [
    () => Buffer.from('not the wire format'),
    () => like.value?.subarray(0, 12 + rng.int(20)) ?? null,
    () => null,
    () => Buffer.from([0, 0, 0, 250, 250, 1, 2, 3]),
  ];
  return { ...like, value: shapes[rng.int(shapes.length)]?.() ?? null };
}

/**
 * Returns a log of real flights with every shape of record: single and batched events, repeats of recent ones, records that
 * cannot be decoded, transactions of another producer, committed and aborted, and a newer schema in its second half.
 */
export async function makeFixedLog(input: FixedLogInput): Promise<FixedLog> {
  const { schemaRegistryUrl, model, partitions, rng } = input;
  const flights = await readFlights(input.events);
  const encoder = await createTrainingEventEncoder(schemaRegistryUrl, partitions);
  const toNewer = await newerEncoder(schemaRegistryUrl);
  const firstRecordMs = Date.now() - FIRST_RECORD_AGO_MS;
  const shapes: Record<string, number> = {};
  const parts: LogWrite[][] = [];
  let at = 0;
  let events = 0;
  const count = (shape: string): void => void (shapes[shape] = (shapes[shape] ?? 0) + 1);
  const message = (some: readonly Flight[], ids = ''): LogMessage => {
    const produced = some.map((flight) => ({ ...producedOf(flight), id: `${flight.id}${ids}` }));
    const { key, value, partition } = encoder.encode(model, produced);
    const isNewer = at > input.events / 2 && rng.int(2) === 0;
    if (isNewer) count('newer schema');
    const timestamp = String(firstRecordMs + at * MS_PER_EVENT);
    return { key, partition, timestamp, value: isNewer ? toNewer(value) : value };
  };
  const take = (size: number): readonly Flight[] => {
    const taken = flights.slice(at, at + size);
    at += taken.length;
    events += taken.length;
    return taken;
  };
  const nextWrite = (): LogWrite => {
    const shape = rng.int(100);
    if (shape < 20) {
      count('single');
      return {
        kind: 'plain',
        messages: Array.from({ length: 8 }, () => take(1))
          .filter(({ length }) => length > 0)
          .map((one) => message(one)),
      };
    }
    if (shape < 26) {
      count('repeat');
      return {
        kind: 'plain',
        messages: [message(flights.slice(Math.max(0, at - 1 - rng.int(2000)), at).slice(0, 16))],
      };
    }
    if (shape < 29) {
      count('poison');
      return { kind: 'plain', messages: [poison(rng, message(flights.slice(0, 1)))] };
    }
    if (shape < 33) {
      count('committed transaction');
      return { kind: 'committed', messages: [message(take(BATCH_EVENTS))] };
    }
    if (shape < 36) {
      count('aborted transaction');
      return { kind: 'aborted', messages: [message(flights.slice(0, BATCH_EVENTS), '-aborted')] };
    }
    count('batch');
    return { kind: 'plain', messages: [message(take(BATCH_EVENTS))] };
  };
  for (let part = 0; part < input.parts; part += 1) {
    const end = Math.round(((part + 1) / input.parts) * flights.length);
    const writes: LogWrite[] = [];
    while (at < end) {
      const write = nextWrite();
      if (
        write.messages.length > 0 &&
        write.messages.every(({ value }) => value === null || value.length > 0)
      )
        writes.push(write);
    }
    parts.push(writes);
  }
  return { events, shapes, parts };
}

import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import type { Type, Schema } from 'avsc';
import { HEADER_BYTES } from '../domain/avro-writer.ts';
import type { AvroBody } from '../domain/avro-writer.ts';
import type { ByteSpan } from '../domain/byte-span.ts';
import type { TrainingEvent, TrainingEvents } from '../domain/events.ts';
import { PackedSkimmer } from '../domain/packed-events.ts';
import { HeadraceError, messageOf } from '../errors.ts';
import { typeWithViews } from './bytes-views.ts';
import { PackedTrainingEvents } from './packed-training-events.ts';
import { subjectOf } from './topics.ts';
import type { TopicName, TopicRecords } from './topics.ts';

/** What decoding gives: the typed record, or why the bytes are not one. */
export type Decoded<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Bytes to typed records and back, in the Confluent wire format: 0, schema id (4 bytes, big endian), Avro. */
export interface Codec {
  /** Looks up the ids of our own schemas. Must have succeeded for a topic before it is encoded. */
  prepare(topics: readonly TopicName[]): Promise<void>;
  /** Returns the record as bytes. Throws TypeError when the value does not fit the schema, naming the field. */
  encode<Topic extends TopicName>(topic: Topic, value: TopicRecords[Topic]): Buffer;
  /** Returns a record whose Avro body was made by hand: the header of the topic's schema is written into the room before it. */
  frame(topic: TopicName, body: AvroBody): Buffer;
  /**
   * Fetches the schemas that these values were written with, where they are not known yet. Throws a retriable HeadraceError when the
   * schema registry is away; an id that the registry does not know is remembered for a while and makes its records undecodable.
   */
  learnWriters(values: readonly (Uint8Array | ByteSpan | null)[]): Promise<void>;
  /**
   * Returns the record, resolved from its writer's schema to ours. Pure once `learnWriters` has seen the id. The value may lie among
   * other bytes, from `from` to `to - 1`.
   */
  decode<Topic extends TopicName>(
    topic: Topic,
    bytes: Uint8Array,
    from?: number,
    to?: number,
  ): Decoded<TopicRecords[Topic]>;
}

const MAGIC_BYTE = 0;
const REQUEST_TIMEOUT_MS = 5000;
const UNKNOWN_ID_REMEMBERED_MS = 30_000;

/** Returns the Avro schema of a topic as it stands in schemas/. */
export function schemaOf(topic: TopicName): Schema {
  return JSON.parse(readFileSync(new URL(`../../schemas/${topic}.avsc`, import.meta.url), 'utf8')) as Schema;
}

function writerIdOf(bytes: Uint8Array, from: number, to: number): number | undefined {
  if (to - from < HEADER_BYTES || bytes[from] !== MAGIC_BYTE) return undefined;
  return (
    ((bytes[from + 1] ?? 0) << 24) |
    ((bytes[from + 2] ?? 0) << 16) |
    ((bytes[from + 3] ?? 0) << 8) |
    (bytes[from + 4] ?? 0)
  );
}

function bodyOf(bytes: Uint8Array, from: number, to: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from + HEADER_BYTES, to - from - HEADER_BYTES);
}

async function withTimeout<T>(doing: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${String(REQUEST_TIMEOUT_MS)} ms`));
    }, REQUEST_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, timeout]);
  } catch (error) {
    throw new HeadraceError(`${doing}: ${messageOf(error)}`, {
      code: 'schema-registry-unavailable',
      retriable: true,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

function isNotFound(error: unknown): boolean {
  const cause = error instanceof HeadraceError ? error.cause : error;
  if (typeof cause !== 'object' || cause === null) return false;
  if ('status' in cause) return cause.status === 404;
  return 'name' in cause && cause.name === 'ConfluentSchemaRegistryError'; // the library's word for 404 of a subject
}

/** Returns the first field of a value that does not fit its type, in words; undefined when all do. */
function misfitOf(type: Type, value: unknown): string | undefined {
  let misfit: string | undefined;
  type.isValid(value, {
    errorHook: (path, part, { typeName }) => {
      misfit ??= `${path.join('.')} ${inspect(part, { maxStringLength: 40, maxArrayLength: 3, depth: 0 })}, allowed ${typeName}`;
    },
  });
  return misfit;
}

/** How a codec differs from others. */
export interface CodecOptions {
  /** Fields of bytes are views of what is decoded, not copies: for who copies what it keeps. Default: copies. */
  readonly hasViews?: boolean;
}

/** Returns a codec over one schema registry. `nowMs` is the clock that ages the memory of unknown ids. */
export function createCodec(registryUrl: string, nowMs: () => number, options: CodecOptions = {}): Codec {
  const registry = new SchemaRegistry({ host: registryUrl, retry: { retries: 0 } });
  const own = new Map<string, { type: Type; id: number | undefined }>();
  const writers = new Map<number, Type>();
  const resolvers = new Map<string, avro.Resolver>();
  const unknownUntilMs = new Map<number, number>();
  const skimmer = new PackedSkimmer();

  function ownOf(topic: TopicName): { type: Type; id: number | undefined } {
    const known = own.get(topic);
    if (known !== undefined) return known;
    const schema = schemaOf(topic);
    const type = options.hasViews === true ? typeWithViews(schema) : avro.Type.forSchema(schema);
    const made = { type, id: undefined };
    own.set(topic, made);
    return made;
  }

  async function learnWriter(id: number): Promise<void> {
    try {
      const schema = await withTimeout(`reading schema ${String(id)}`, registry.getSchema(id));
      writers.set(id, schema as Type);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      unknownUntilMs.set(id, nowMs() + UNKNOWN_ID_REMEMBERED_MS);
    }
  }

  function idOf(topic: TopicName): number {
    const { id } = ownOf(topic);
    if (id === undefined) throw new TypeError(`encoding ${topic}: prepare('${topic}') has not succeeded`);
    return id;
  }

  function writeHeader(topic: TopicName, record: Buffer): void {
    record.writeInt32BE(idOf(topic), 1);
    record[0] = MAGIC_BYTE;
  }

  function framed(topic: TopicName, body: Uint8Array): Buffer {
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length);
    writeHeader(topic, bytes);
    bytes.set(body, HEADER_BYTES);
    return bytes;
  }

  const decodeEvents = ({ bytes, from, to }: ByteSpan): readonly TrainingEvent[] =>
    (ownOf('training-events.v1').type.fromBuffer(bodyOf(bytes, from, to)) as TrainingEvents).events;

  /** Returns a training record in our own schema with its events left in its bytes, undefined when it must be decoded. */
  function packed(bytes: Uint8Array, from: number, to: number): TrainingEvents | undefined {
    const header = skimmer.skim(bytes, from + HEADER_BYTES, to);
    return header === null ? undefined : new PackedTrainingEvents(header, from, decodeEvents);
  }

  async function learnWriters(values: readonly (Uint8Array | ByteSpan | null)[]): Promise<void> {
    let last: number | undefined;
    for (const value of values) {
      if (value === null) continue;
      const id =
        value instanceof Uint8Array
          ? writerIdOf(value, 0, value.length)
          : writerIdOf(value.bytes, value.from, value.to);
      if (id === undefined || id === last) continue;
      last = id;
      if (writers.has(id) || (unknownUntilMs.get(id) ?? 0) > nowMs()) continue;
      await learnWriter(id);
    }
  }

  return {
    async prepare(topics) {
      for (const topic of topics) {
        const entry = ownOf(topic);
        if (entry.id !== undefined) continue;
        const subject = subjectOf(topic);
        try {
          const raw = schemaOf(topic) as never;
          entry.id = await withTimeout(`looking up ${subject}`, registry.getRegistryIdBySchema(subject, raw));
          writers.set(entry.id, entry.type);
        } catch (error) {
          if (!isNotFound(error)) throw error;
          throw new HeadraceError(`our schema of ${subject} is not registered; run \`npm run topics\``, {
            code: 'schema-missing',
            retriable: true,
            cause: error,
          });
        }
      }
    },
    frame(topic, { record }) {
      const bytes = Buffer.from(record.buffer, record.byteOffset, record.length);
      writeHeader(topic, bytes);
      return bytes;
    },
    encode(topic, value) {
      const { type } = ownOf(topic);
      idOf(topic);
      let body: Buffer;
      try {
        body = type.toBuffer(value);
      } catch (error) {
        throw new TypeError(`encoding ${topic}: ${misfitOf(type, value) ?? messageOf(error)}`, {
          cause: error,
        });
      }
      return framed(topic, body);
    },
    learnWriters,
    decode<Topic extends TopicName>(
      topic: Topic,
      bytes: Uint8Array,
      from = 0,
      to = bytes.length,
    ): Decoded<TopicRecords[Topic]> {
      const id = writerIdOf(bytes, from, to);
      if (id === undefined) {
        return {
          ok: false,
          reason: `not in the Confluent wire format (first byte 0, then a schema id), ${String(to - from)} bytes`,
        };
      }
      const writer = writers.get(id);
      if (writer === undefined)
        return { ok: false, reason: `schema id ${String(id)} is unknown to the schema registry` };
      try {
        const { type, id: ownId } = ownOf(topic);
        const kept = topic === 'training-events.v1' && id === ownId ? packed(bytes, from, to) : undefined;
        if (kept !== undefined) return { ok: true, value: kept as TopicRecords[Topic] };
        const body = bodyOf(bytes, from, to);
        if (id === ownId) return { ok: true, value: type.fromBuffer(body) as TopicRecords[Topic] };
        const key = `${topic}/${String(id)}`;
        const resolver = resolvers.get(key) ?? type.createResolver(writer);
        resolvers.set(key, resolver);
        return { ok: true, value: type.fromBuffer(body, resolver) as TopicRecords[Topic] };
      } catch (error) {
        return { ok: false, reason: messageOf(error) };
      }
    },
  };
}

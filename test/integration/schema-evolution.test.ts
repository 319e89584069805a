import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import type { Schema } from 'avsc';
import { applySetup, planSetup } from '../../deploy/topics/setup.ts';
import { HeadraceError } from '../../shared/errors.ts';
import { createCodec, schemaOf } from '../../shared/events/codec.ts';
import { planSchema, registerSchema } from '../../shared/events/schema-registration.ts';
import { createTrainingEventEncoder } from '../../shared/events/training-event-encoder.ts';
import { serveSmallModel, smallEvent, untilLearned } from '../support/small-model.ts';
import { PARTITIONS, useSystem } from '../support/system.ts';

const MODEL = 'evolving';
const SUBJECT = 'training-events.v1-value';
const system = useSystem({ prepare: (started) => serveSmallModel(started, MODEL) });

interface RecordSchema {
  fields: { name: string; type: unknown; doc: string; default?: unknown }[];
}

function changed(change: (schema: RecordSchema) => void): Schema {
  const schema = structuredClone(schemaOf('training-events.v1')) as unknown as RecordSchema;
  change(schema);
  return schema as unknown as Schema;
}

async function write(value: Buffer, partition: number, key: Buffer): Promise<void> {
  const producer = system.kafka.producer();
  await producer.connect();
  await producer.send({ topic: 'training-events.v1', messages: [{ key, value, partition }] });
  await producer.disconnect();
}

test('a second run of the topics-and-schemas step changes nothing', async () => {
  const layout = { partitions: PARTITIONS, replicationFactor: 1, minInsyncReplicas: 1 };
  const setup = { kafka: system.kafka, schemaRegistryUrl: system.stack.schemaRegistryUrl, layout };
  const plan = await planSetup(setup);
  assert.deepEqual(plan.topics, []);
  assert.ok(plan.schemas.every(({ kind }) => kind === 'same'));
  await applySetup(setup, plan);
});

test('a changed topic setting is shown and corrected, a changed partition count is refused', async () => {
  const layout = { partitions: PARTITIONS + 1, replicationFactor: 1, minInsyncReplicas: 1 };
  const plan = await planSetup({
    kafka: system.kafka,
    schemaRegistryUrl: system.stack.schemaRegistryUrl,
    layout,
  });
  const impossible = plan.topics.filter(({ kind }) => kind === 'impossible').map(({ topic }) => topic);
  assert.ok(impossible.includes('training-events.v1'), impossible.join());
});

test('an incompatible schema is refused, naming the field', async () => {
  const withoutDefault = changed(({ fields }) =>
    fields.push({ name: 'tenant', type: 'string', doc: 'Whose it is.' }),
  );
  await assert.rejects(planSchema(system.stack.schemaRegistryUrl, SUBJECT, withoutDefault), (error) => {
    assert.ok(error instanceof HeadraceError);
    assert.equal(error.code, 'schema-incompatible');
    assert.match(error.message, /new cannot read old: .*tenant/);
    return true;
  });
  const retyped = changed(({ fields }) => {
    const model = fields.find(({ name }) => name === 'model');
    if (model !== undefined) model.type = 'int';
  });
  await assert.rejects(planSchema(system.stack.schemaRegistryUrl, SUBJECT, retyped), /old cannot read new/);
});

test('a producer with a newer compatible schema and one with the present one are both learned', async () => {
  const { schemaRegistryUrl } = system.stack;
  const newer = changed(({ fields }) =>
    fields.push({ name: 'tenant', type: 'string', doc: 'Whose it is.', default: '' }),
  );
  assert.equal((await planSchema(schemaRegistryUrl, SUBJECT, newer)).kind, 'new version');
  await registerSchema(schemaRegistryUrl, SUBJECT, newer);
  const answer = await fetch(`${schemaRegistryUrl}/subjects/${SUBJECT}/versions/latest`);
  const { id } = (await answer.json()) as { id: number };

  const encoder = await createTrainingEventEncoder(schemaRegistryUrl, PARTITIONS);
  const produced = (index: number): Parameters<typeof encoder.encode>[1] => [
    { id: `e-${String(index)}`, subject: 's', eventTimeMs: 1, features: { colour: 'red' }, label: 1 },
  ];
  const present = encoder.encode(MODEL, produced(1));
  const codec = createCodec(schemaRegistryUrl, Date.now);
  await codec.learnWriters([present.value]);
  const decoded = codec.decode('training-events.v1', encoder.encode(MODEL, produced(2)).value);
  assert.ok(decoded.ok);
  const body = avro.Type.forSchema(newer).toBuffer({ ...decoded.value, tenant: 'somebody' });
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);

  await write(present.value, present.partition, present.key);
  await write(Buffer.concat([header, body]), present.partition, present.key);
  await untilLearned(system, MODEL, 2);
  await system.http.send('POST', `${system.url('ingest')}/v1/models/${MODEL}/events`, smallEvent(3));
  await untilLearned(system, MODEL, 3);
});

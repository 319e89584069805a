import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import avro from 'avsc';
import { schemaOf } from '../../../shared/events/codec.ts';
import { incompatibilities } from '../../../shared/events/schema-compatibility.ts';
import { TOPICS } from '../../../shared/events/topics.ts';
import type { TopicName, TopicRecords } from '../../../shared/events/topics.ts';

const SCHEMAS = resolve(import.meta.dirname, '../../../schemas');

const plan = {
  model: 'parcels-late',
  planVersion: 5,
  stable: 1,
  candidate: 2,
  candidateWeightBp: 1000,
  shadows: [3, 4],
  salt: 'parcels-late/2/4',
  targets: [
    { arm: 'candidate', subjects: ['ada'], feature: null, values: [] },
    { arm: 'stable', subjects: [], feature: 'carrier', values: ['north'] },
  ],
} as const;
const scores = [
  { version: 1, score: 0.25, scoringMicros: 90, failed: false },
  { version: 2, score: null, scoringMicros: -1, failed: true },
];
const features = ['north', 17, 2.5, true, null];
const featureNames = ['carrier', 'depot', 'weight', 'express', 'note'];
const served = {
  predictionId: '0~order-17',
  predictedAtMs: 1_700_000_000_000,
  planVersion: 5,
  assignedArm: 'candidate',
  servedVersion: 1,
  assignmentProbability: 0.1,
  scores,
  labelledAtMs: 1_700_000_360_000,
} as const;
const event = {
  id: 'parcel-1',
  eventTimeMs: 1_700_000_000_000,
  subject: 'ada',
  features,
  label: 1,
  weight: 2,
  labelSource: 'event',
  served: null,
};

/** One record of each topic that code reads or writes, with every field and every kind of value. */
const SAMPLES: TopicRecords = {
  'artefacts.v1': {
    digest: 'c0ffee',
    chunkIndex: 0,
    chunkCount: 2,
    bytes: Buffer.from([1, 2, 3]),
  },
  'milestones.v1': {
    model: 'parcels-late',
    shard: 0,
    position: 41,
    manifest: '{"format":1}',
    section: 'v1/w',
    chunkIndex: 1,
    chunkCount: 7,
    bytes: Buffer.from([1, 2, 3]),
  },
  'training-events.v1': {
    model: 'parcels-late',
    shard: 0,
    featureNames,
    watermarkMs: 1_700_000_000_000,
    events: [event, { ...event, id: '0~order-17', labelSource: 'label', served }],
  },
  'predictions.v1': {
    model: 'parcels-late',
    shard: 0,
    featureNames,
    router: 'router-1:8080',
    predictions: [
      {
        id: '0~order-17',
        predictedAtMs: 1_700_000_000_000,
        subject: 'ada',
        features,
        planVersion: 5,
        assignedArm: 'candidate',
        servedVersion: 1,
        assignmentProbability: 0.1,
        position: 41,
        learnedToMs: null,
        stalenessMs: 12,
        latencyMicros: 800,
        scores,
      },
    ],
  },
  'labels.v1': {
    model: 'parcels-late',
    shard: 0,
    labels: [{ predictionId: '0~order-17', label: 1, observedAtMs: 1_700_000_360_000, source: 'depot' }],
  },
  'scores.v1': {
    model: 'parcels-late',
    shard: 0,
    position: 41,
    versions: [1, 2],
    watermarkMs: null,
    runs: [{ position: 41, events: 1 }],
    events: [
      {
        eventId: 'parcel-1',
        eventTimeMs: 1_700_000_000_000,
        label: 1,
        weight: 2,
        scores: [0.25, null],
        served: true,
      },
    ],
  },
  'snapshots.v1': {
    model: 'parcels-late',
    shard: 0,
    version: 2,
    kind: 'delta',
    incarnation: 3,
    position: 42,
    basePosition: 40,
    learnedToMs: 1_700_000_000_000,
    publishedAtMs: 1_700_000_000_005,
    bornPosition: 7,
    bornMode: 'copy',
    parent: 1,
    learner: '{"kind":"ftrl-logistic"}',
    graph: Buffer.from([8, 9]),
    indices: Buffer.from([1, 0, 0, 0]),
    weights: Buffer.from([0, 0, 128, 63]),
    means: Buffer.from([0, 0, 0, 0, 0, 0, 240, 63]),
    invStds: Buffer.from([0, 0, 0, 0, 0, 0, 240, 63]),
    goldenRows: [[null, null], features],
    goldenScores: [0.5, 0.25],
    metrics: '{}',
    digest: 'ab',
    chunkIndex: 1,
    chunkCount: 2,
  },
  'model-versions.v1': {
    sequence: 9,
    eventId: 'once',
    atMs: 1_700_000_000_000,
    actor: 'ada',
    reason: 'better',
    model: 'parcels-late',
    kind: 'TrafficPlanned',
    version: null,
    body: '{}',
    plan,
    previousHash: '0'.repeat(64),
    hash: 'f'.repeat(64),
  },
  'traffic.v1': { ...plan, publishedAtMs: 1_700_000_000_000, leaseMs: 0 },
  'router-status.v1': {
    router: 'router-1:8080',
    atMs: 1_700_000_000_000,
    url: 'http://127.0.0.1:8080',
    models: [
      {
        model: 'parcels-late',
        planVersion: 5,
        versions: [{ version: 1, ready: false, position: -1, incarnation: -1, reason: 'no snapshot yet' }],
      },
    ],
  },
  'verdicts.v1': {
    model: 'parcels-late',
    rolloutId: 'parcels-late/2/1',
    step: 3,
    planVersion: 12,
    candidate: 2,
    value: 'wait',
    atMs: 1_700_000_000_000,
    evidence: '{}',
  },
  'dead-letters.v1': {
    service: 'online-learner',
    reason: 'screened',
    detail: 'feature weight: value 1e300, allowed up to ±1000000000000000',
    atMs: 1_700_000_000_000,
    topic: 'training-events.v1',
    partition: 6,
    offset: 41,
    itemIndex: 0,
    key: Buffer.from('parcels-late#0'),
    value: null,
    recordTimeMs: 1_700_000_000_000,
  },
};

/** A part of a schema, as far as it is walked through. */
type Part =
  | string
  | readonly Part[]
  | {
      readonly type: Part;
      readonly name?: string;
      readonly doc?: string;
      readonly items?: Part;
      readonly fields?: readonly { readonly name: string; readonly type: Part; readonly doc?: string }[];
    };

/** Returns the path of every record and field without a description. */
function undocumented(part: Part, path: string): string[] {
  if (typeof part === 'string') return [];
  if (Array.isArray(part)) return (part as readonly Part[]).flatMap((branch) => undocumented(branch, path));
  const { type, name, doc = '', items, fields = [] } = part as Exclude<Part, string | readonly Part[]>;
  const here = type === 'record' && doc === '' ? [`${path} (record ${name ?? ''})`] : [];
  const inner = fields.flatMap((field) => [
    ...((field.doc ?? '') === '' ? [`${path}.${field.name}`] : []),
    ...undocumented(field.type, `${path}.${field.name}`),
  ]);
  const nested = typeof type === 'string' ? [] : undocumented(type, path);
  return [...here, ...inner, ...nested, ...(items === undefined ? [] : undocumented(items, `${path}[]`))];
}

test('every topic has its schema, and every schema its topic', () => {
  const files = readdirSync(SCHEMAS).filter((file) => file.endsWith('.avsc'));
  assert.deepEqual(files.sort(), TOPICS.map(({ name }) => `${name}.avsc`).sort());
});

for (const { name } of TOPICS) {
  test(`the schema of ${name} is Avro, describes every field, and reads what it writes`, () => {
    const schema = schemaOf(name);
    assert.doesNotThrow(() => avro.Type.forSchema(schema));
    assert.deepEqual(undocumented(schema as Part, name), []);
    assert.deepEqual(incompatibilities(schema, [{ version: 1, schema }]), []);
  });
}

/** Returns a value without the classes that the decoder gives to records and bytes. */
function plain(value: unknown): unknown {
  return structuredClone(value);
}

for (const [topic, sample] of Object.entries(SAMPLES) as [TopicName, object][]) {
  test(`a record of ${topic} in TypeScript is what it is in Avro, field by field`, () => {
    const type = avro.Type.forSchema(schemaOf(topic));
    const decoded: unknown = type.fromBuffer(type.toBuffer(sample));
    assert.deepEqual(plain(decoded), plain(sample));
  });
}

test('adding a field with a default is compatible in both directions, one without is not', () => {
  const schema = schemaOf('labels.v1') as { fields: object[] };
  const with_ = (field: object): avro.Schema =>
    ({ ...schema, fields: [...schema.fields, field] }) as avro.Schema;
  const earlier = [{ version: 1, schema: schema as avro.Schema }];
  assert.deepEqual(incompatibilities(with_({ name: 'region', type: 'string', default: '' }), earlier), []);
  const [fault] = incompatibilities(with_({ name: 'region', type: 'string' }), earlier);
  assert.equal(fault?.direction, 'new cannot read old');
  assert.match(fault.detail, /region/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schema } from 'avsc';
import { incompatibilities } from '../../../shared/events/schema-compatibility.ts';

const field = (name: string, type: unknown, more: object = {}): object => ({ name, type, ...more });
const record = (...fields: object[]): Schema => ({ type: 'record', name: 'Click', fields }) as Schema;
const FIRST = record(field('id', 'string'), field('count', 'int'));

function found(next: Schema, ...earlier: Schema[]): string[] {
  return incompatibilities(
    next,
    earlier.map((schema, index) => ({ version: index + 1, schema })),
  ).map(({ version, direction, detail }) => {
    const named = /\b(id|count|note)\b/.exec(detail)?.[1] ?? detail;
    return `${String(version)} ${direction} ${named}`;
  });
}

test('the same schema, other docs and a new field with a default are compatible', () => {
  assert.deepEqual(found(FIRST), []);
  assert.deepEqual(found(FIRST, FIRST), []);
  assert.deepEqual(found(record(field('id', 'string', { doc: 'x' }), field('count', 'int')), FIRST), []);
  const wider = record(
    field('id', 'string'),
    field('count', 'int'),
    field('note', ['null', 'string'], { default: null }),
  );
  assert.deepEqual(found(wider, FIRST), []);
  assert.deepEqual(found(FIRST, wider), []);
});

test('a new field without a default cannot read what was written before', () => {
  const next = record(field('id', 'string'), field('count', 'int'), field('note', 'string'));
  assert.deepEqual(found(next, FIRST), ['1 new cannot read old note']);
});

test('a removed field is missed by those who read with the old schema', () => {
  assert.deepEqual(found(record(field('id', 'string')), FIRST), ['1 old cannot read new count']);
});

test('a renamed field is missed both ways', () => {
  const next = record(field('id', 'string'), field('note', 'int'));
  assert.deepEqual(found(next, FIRST), ['1 new cannot read old note', '1 old cannot read new count']);
});

test('another type fails in the direction in which it cannot be read, widening too', () => {
  const wider = record(field('id', 'string'), field('count', 'long'));
  assert.equal(found(wider, FIRST).length, 1);
  assert.match(found(wider, FIRST)[0] ?? '', /^1 old cannot read new/);
  const other = record(field('id', 'string'), field('count', 'string'));
  assert.equal(found(other, FIRST).length, 2);
});

test('every earlier version is compared, not only the newest', () => {
  const second = record(field('id', 'string'));
  assert.deepEqual(found(second, FIRST, second), ['1 old cannot read new count']);
});

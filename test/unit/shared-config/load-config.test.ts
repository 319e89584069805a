import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import {
  brokersOf,
  commonSettings,
  instanceOf,
  loadConfig,
  portSetting,
} from '../../../shared/config/load-config.ts';

const schema = Type.Object({
  PORT: portSetting(8082),
  NAME: Type.String({ default: 'x', minLength: 1 }),
  SHARE: Type.Number({ default: 0.5, minimum: 0, maximum: 1 }),
  IS_LOUD: Type.Boolean({ default: false }),
});

test('what the environment leaves out, or leaves empty, has its default', () => {
  assert.deepEqual(loadConfig(schema, {}), { PORT: 8082, NAME: 'x', SHARE: 0.5, IS_LOUD: false });
  assert.deepEqual(loadConfig(schema, { PORT: '', NAME: undefined }).PORT, 8082);
});

test('texts are converted, and what is not a setting is left out', () => {
  const config = loadConfig(schema, { PORT: '0', NAME: '42', SHARE: '1', IS_LOUD: 'true', HOME: '/root' });
  assert.deepEqual(config, { PORT: 0, NAME: '42', SHARE: 1, IS_LOUD: true });
});

test('settings are frozen', () => {
  const config = loadConfig(schema, {});
  assert.throws(() => Object.assign(config, { PORT: 1 }), TypeError);
});

test('every fault is told at once, each with its value', () => {
  assert.throws(() => loadConfig(schema, { PORT: '70000', SHARE: 'half', IS_LOUD: 'maybe' }), {
    name: 'HeadraceError',
    code: 'config-invalid',
    retriable: false,
    message: /^settings: .*PORT=70000: .*SHARE=half: .*IS_LOUD=maybe: /,
  });
});

test('many faults are told at once', () => {
  const names = Array.from({ length: 20 }, (_, index) => `SETTING_${String(index)}`);
  const many = Type.Object(Object.fromEntries(names.map((name) => [name, Type.Integer({ default: 0 })])));
  assert.throws(
    () => loadConfig(many, Object.fromEntries(names.map((name) => [name, 'x']))),
    (error: Error) => names.every((name) => error.message.includes(`${name}=x`)),
  );
});

test('relations between settings are checked once every setting is sound, all of them', () => {
  const relations = [
    ({ PORT }: { PORT: number }) => (PORT === 1 ? 'PORT 1 is taken' : undefined),
    ({ SHARE, PORT }: { SHARE: number; PORT: number }) =>
      PORT === 1 && SHARE < 1 ? 'SHARE is too small' : undefined,
  ];
  assert.throws(() => loadConfig(schema, { PORT: '1' }, relations), {
    message: 'settings: PORT 1 is taken; SHARE is too small',
  });
  assert.throws(() => loadConfig(schema, { PORT: '1', SHARE: '2' }, relations), {
    message: /^settings: SHARE=2: [^;]*$/,
  });
  assert.equal(loadConfig(schema, { PORT: '2' }, relations).PORT, 2);
});

test('the common settings have sound defaults', () => {
  const config = loadConfig(Type.Object(commonSettings), {});
  assert.deepEqual([config.LOG_LEVEL, config.STOP_TIMEOUT_MS], ['info', 10_000]);
  assert.throws(() => loadConfig(Type.Object(commonSettings), { LOG_LEVEL: 'loud', INSTANCE_ID: 'a b' }), {
    message: /INSTANCE_ID=a b: .*LOG_LEVEL=loud: /,
  });
});

test('brokers are a list, spaces and empty ones left out', () => {
  assert.deepEqual(brokersOf('a:1, b:2,,'), ['a:1', 'b:2']);
});

test('a process is named by its setting, otherwise by host and port', () => {
  assert.equal(instanceOf({ INSTANCE_ID: 'me', HTTP_PORT: 1 }, 'host'), 'me');
  assert.equal(instanceOf({ INSTANCE_ID: '', HTTP_PORT: 1 }, 'host'), 'host:1');
});

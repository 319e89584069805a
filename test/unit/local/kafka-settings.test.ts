import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kafkaSettings } from '../../../deploy/local/kafka-settings.ts';

const PLACE = { port: 9092, controllerPort: 9093, logDir: '/data' };

function settingOf(text: string, name: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

describe('the broker’s listeners', () => {
  test('are one for clients and one for the controller when nothing else is asked for', () => {
    const text = kafkaSettings(PLACE);
    assert.equal(settingOf(text, 'listeners'), 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093');
    assert.equal(settingOf(text, 'advertised.listeners'), 'PLAINTEXT://127.0.0.1:9092');
    assert.equal(
      settingOf(text, 'listener.security.protocol.map'),
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    );
  });

  test('beside them are heard on their own port and advertised on another', () => {
    const listeners = [
      { name: 'FIRST', port: 9101, advertisedPort: 9201 },
      { name: 'SECOND', port: 9102, advertisedPort: 9202 },
    ];
    const text = kafkaSettings({ ...PLACE, listeners });
    assert.equal(
      settingOf(text, 'listeners'),
      'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093,FIRST://127.0.0.1:9101,SECOND://127.0.0.1:9102',
    );
    assert.equal(
      settingOf(text, 'advertised.listeners'),
      'PLAINTEXT://127.0.0.1:9092,FIRST://127.0.0.1:9201,SECOND://127.0.0.1:9202',
    );
    assert.equal(
      settingOf(text, 'listener.security.protocol.map'),
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,FIRST:PLAINTEXT,SECOND:PLAINTEXT',
    );
  });
});

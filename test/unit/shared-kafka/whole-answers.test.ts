import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpareMemory } from '../../../shared/domain/spare-memory.ts';
import { AnswerReader, connectForAnswers } from '../../../shared/kafka/whole-answers.ts';

function answerOf(length: number, fill: number): Buffer {
  const answer = Buffer.alloc(4 + length, fill);
  answer.writeInt32BE(length);
  return answer;
}

test('answers come out whole, each in memory of its own or in what was given back, however they are cut', () => {
  const lengths = fc.array(fc.oneof(fc.nat(40), fc.nat(9000), fc.constantFrom(65_532, 65_533, 200_000)), {
    maxLength: 12,
  });
  const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 80_000 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(lengths, cuts, fc.boolean(), (sizes, pieces, areGivenBack) => {
      const sent = sizes.map((size, index) => answerOf(size, index + 1));
      const stream = Buffer.concat(sent);
      const got: Buffer[] = [];
      const memory = areGivenBack ? new SpareMemory() : undefined;
      const reader = new AnswerReader((answer) => {
        got.push(memory === undefined ? answer : Buffer.from(answer));
        memory?.giveBack(answer.buffer);
      }, memory);
      let at = 0;
      for (let turn = 0; at < stream.length; turn += 1) {
        const room = reader.room();
        assert.ok(room.length > 0);
        const piece = stream.subarray(at, at + Math.min(room.length, pieces[turn % pieces.length] ?? 1));
        room.set(piece);
        reader.took(piece.length);
        at += piece.length;
      }
      assert.deepEqual(got, sent);
    }),
  );
});

test('what is no size is refused before memory is taken for it', () => {
  for (const text of ['HTTP/1.1 400 Bad Request', '\xff\xff\xff\xff']) {
    const reader = new AnswerReader(() => {
      assert.fail('there is no answer in it');
    });
    const bytes = Buffer.from(text, 'latin1');
    reader.room().set(bytes);
    assert.throws(() => {
      reader.took(bytes.length);
    }, /answer of -?\d+ bytes, allowed 0 … 268435456/);
  }
});

test('a connection gives whole answers, and ends with an error when something else comes', async (t) => {
  const sent = [answerOf(10, 1), answerOf(300_000, 2), answerOf(0, 3)];
  const broker = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(Buffer.concat(sent));
    broker.resolve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const socket = connectForAnswers()({ host: '127.0.0.1', port, ssl: {}, onConnect: () => undefined });
  const got: Buffer[] = [];
  socket.on('data', (answer: Buffer) => {
    got.push(answer);
    if (got.length === sent.length) void broker.promise.then((one) => one.end('HTTP/1.1 400 Bad Request'));
  });
  const [error] = (await once(socket, 'error')) as [Error];
  assert.deepEqual(got, sent);
  assert.match(error.message, /^answer of \d+ bytes/);
});

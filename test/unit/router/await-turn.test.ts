import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { ClientRequest, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { awaitTurn } from '../../../services/router/http/await-turn.ts';
import { createTurns } from '../../../services/router/turns.ts';

const BYTES = 100;
const PATH = '/v2/models/clicks/infer';

/** A server whose requests wait for their turn: one body of 100 bytes is in hand at a time. */
async function startTurns(t: TestContext) {
  const clock = { nowMs: 0 };
  const turns = createTurns({ weightMax: BYTES, waitMaxMs: 50, monotonicMs: () => clock.nowMs });
  const asked: number[] = [];
  const watched = {
    ...turns,
    enter: (weight: number) => {
      asked.push(weight);
      return turns.enter(weight);
    },
  };
  /** Requests that have their turn, with their bodies. */
  const begun: { body: string; response: ServerResponse }[] = [];
  const passedOn: string[] = [];
  const shortcut = awaitTurn(
    { turns: watched, bodyBytesMax: 1000, monotonicMs: () => clock.nowMs },
    (one, response) => {
      passedOn.push(one.url ?? '');
      response.end('passed on');
      return true;
    },
  );
  const server = createServer((one, response) => {
    shortcut(one, response, (body) => begun.push({ body: body.toString(), response }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });

  function send(
    body: string,
    path = PATH,
  ): { sent: ClientRequest; answer: Promise<{ status: number; retryAfter: unknown; text: string }> } {
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent: false });
    const answer = new Promise<{ status: number; retryAfter: unknown; text: string }>((resolve, reject) => {
      sent.on('error', reject).on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            retryAfter: response.headers['retry-after'],
            text,
          });
        });
      });
    });
    answer.catch(() => undefined); // a test that ends it does not wait for it
    sent.end(body);
    return { sent, answer };
  }
  const until = (what: string, is: () => boolean): Promise<void> =>
    waitUntil(
      () => {
        if (!is()) throw new Error('not yet');
      },
      { what, limitMs: 5000, everyMs: 2 },
    );
  return { clock, asked, begun, passedOn, send, until };
}

const body = (letter: string): string => letter.repeat(BYTES);

test('a request waits as bytes until the one before it is answered, and is handed on with its body', async (t) => {
  const { asked, begun, send, until } = await startTurns(t);
  const first = send(body('a'));
  await until('the first', () => begun.length === 1);
  const second = send(body('b'));
  await until('the second to ask', () => asked.length === 2);
  assert.equal(begun.length, 1);
  begun[0]?.response.end('one');
  await until('the second', () => begun.length === 2);
  begun[1]?.response.end('two');
  assert.deepEqual([(await first.answer).text, (await second.answer).text], ['one', 'two']);
  assert.deepEqual(
    begun.map((one) => one.body),
    [body('a'), body('b')],
  );
});

test('a request whose turn comes too late is told 503 and when to come again', async (t) => {
  const { asked, begun, clock, send, until } = await startTurns(t);
  send(body('a'));
  await until('the first', () => begun.length === 1);
  const waiting = Array.from({ length: 66 }, () => send(body('b')).answer);
  await until('all to ask', () => asked.length === 67);
  clock.nowMs = 51;
  begun[0]?.response.end('one');
  const { status, retryAfter, text } = await Promise.race(waiting);
  const problem = JSON.parse(text) as { status: number; detail: string; error: string };
  assert.deepEqual([status, retryAfter, problem.status, problem.error], [503, '1', 503, problem.detail]);
});

test('who goes while waiting takes no turn', async (t) => {
  const { asked, begun, send, until } = await startTurns(t);
  send(body('a'));
  await until('the first', () => begun.length === 1);
  const gone = send(body('b'));
  await until('the second to ask', () => asked.length === 2);
  const third = send(body('c'));
  await until('the third to ask', () => asked.length === 3);
  gone.sent.destroy();
  await assert.rejects(gone.answer, /socket hang up/);
  begun[0]?.response.end('one');
  await until('the third, at last', () => begun.at(-1)?.body === body('c'));
  begun.at(-1)?.response.end('three');
  assert.equal((await third.answer).text, 'three');
});

test('other paths, and bodies larger than are ever taken, are passed on at once', async (t) => {
  const { passedOn, send } = await startTurns(t);
  await send(body('a'), '/v1/models/clicks/predict').answer;
  await send('x'.repeat(1001)).answer;
  assert.deepEqual(passedOn, ['/v1/models/clicks/predict', PATH]);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import type { FastifyInstance } from 'fastify';
import { createAdmissionGate } from '../../../services/router/admission-gate.ts';
import type { AdmissionGate } from '../../../services/router/admission-gate.ts';
import { inferenceRoutes } from '../../../services/router/http/inference-routes.ts';
import { predictRoutes } from '../../../services/router/http/predict-routes.ts';
import { stampArrival } from '../../../services/router/http/request-of.ts';
import { createShortcuts } from '../../../services/router/http/shortcuts.ts';
import { takeOnlyStrictJson } from '../../../services/router/http/strict-json.ts';
import { createTurns } from '../../../services/router/turns.ts';
import type { Turns } from '../../../services/router/turns.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { createApp } from '../../../shared/http/app.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { takeSmallBulk } from './http-world.ts';
import { BODY, createWorld, serve } from './router-world.ts';
import type { RouterWorld } from './router-world.ts';

/** Largest body, bytes. */
export const LIMIT = 2048;

/** A router over a world in memory that answers plain requests from their connections. */
export interface Desk {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly world: RouterWorld;
  readonly gate: AdmissionGate;
  /** Turns of inference bodies. */
  readonly turns: Turns;
  readonly going: { isClosing: boolean; isReady: boolean };
  /** Requests that reached Node's HTTP. */
  readonly byNode: () => number;
  /** Returns a connection of its own. */
  dial(): Promise<Wire>;
}

/** An answer as it came over the wire. */
export interface Told {
  readonly status: number;
  readonly connection: string | undefined;
  readonly keepAlive: string | undefined;
  readonly fields: readonly string[];
  readonly body: Record<string, unknown>;
}

/** A connection whose bytes a test says itself. */
interface Wire {
  readonly socket: Socket;
  readonly told: readonly Told[];
  /** Resolves when the connection has been closed. */
  readonly closed: Promise<unknown>;
  /** Resolves with so many answers. */
  answers(count: number): Promise<readonly Told[]>;
}

function parseTold(text: string): { told: Told; rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const fields = new Map(
    lines.map((line) => [line.split(': ')[0]?.toLowerCase() ?? '', line.split(': ').slice(1).join(': ')]),
  );
  const length = Number(fields.get('content-length') ?? 0);
  const body = text.slice(end + 4, end + 4 + length);
  if (body.length < length) return undefined;
  const told = {
    status: Number(statusLine.split(' ')[1]),
    connection: fields.get('connection'),
    keepAlive: fields.get('keep-alive'),
    fields: [...fields.keys()].sort(),
    body: JSON.parse(body) as Record<string, unknown>,
  };
  return { told, rest: text.slice(end + 4 + length) };
}

async function dial(port: number): Promise<Wire> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
  const told: Told[] = [];
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
    for (let one = parseTold(text); one !== undefined; one = parseTold(text)) {
      text = one.rest;
      told.push(one.told);
      socket.emit('told');
    }
  });
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await once(socket, 'connect');
  return {
    socket,
    told,
    closed,
    async answers(count) {
      while (told.length < count && !socket.closed) await Promise.race([once(socket, 'told'), closed]);
      assert.ok(told.length >= count, `closed after ${String(told.length)} answers, wanted ${String(count)}`);
      return told;
    },
  };
}

/** Returns a desk; `isShort` says whether connections are taken before Node does. */
export async function open(
  t: TestContext,
  {
    isShort = true,
    requestsMax = 64,
    bodyBytesInHand = 1e6,
    spec = {},
  }: {
    isShort?: boolean;
    requestsMax?: number;
    bodyBytesInHand?: number;
    spec?: Partial<ModelSpec>;
  } = {},
): Promise<Desk> {
  const world = createWorld({ spec });
  await serve(world, 1, 0.1);
  const gate = createAdmissionGate({ requestsMax, bytesMax: 1_000_000, delayMaxMs: 200 });
  const going = { isClosing: false, isReady: true };
  const monotonicMs = (): number => world.clock.nowMs;
  const turns = createTurns({ weightMax: bodyBytesInHand, waitMaxMs: 1000, monotonicMs });
  const { shortcut, connections } = createShortcuts({
    gate: { ...gate, isClosing: () => going.isClosing },
    bodyTurns: turns,
    router: () => (going.isReady ? world.router : undefined),
    limits: { PREDICT_BODY_BYTES: LIMIT, INFER_BODY_BYTES: LIMIT },
    nowMs: Date.now,
    monotonicMs,
    log: silentLog,
  });
  const app = await createApp({
    service: 'router',
    log: silentLog,
    registry: createMetrics().registry,
    bodyLimitBytes: LIMIT,
    waitsFor: () => [],
    shortcut,
    ...(isShort && { connections }),
  });
  takeOnlyStrictJson(app);
  stampArrival(app, monotonicMs);
  predictRoutes(app, { router: () => world.router, answerBulk: takeSmallBulk(app, world) });
  inferenceRoutes(app, {
    router: () => world.router,
    waitsFor: () => [],
    bodyLimitBytes: LIMIT,
    softwareVersion: '1.2.3',
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  let byNode = 0;
  app.server.prependListener('request', () => (byNode += 1));
  const wires: Wire[] = [];
  t.after(() => {
    for (const { socket } of wires) socket.destroy();
    return app.close();
  });
  const { port } = app.server.address() as AddressInfo;
  return {
    app,
    port,
    world,
    gate,
    turns,
    going,
    byNode: () => byNode,
    async dial() {
      const wire = await dial(port);
      wires.push(wire);
      return wire;
    },
  };
}

/** Returns a request for a prediction as bytes. */
export function requestOf(
  body: unknown,
  more: readonly string[] = [],
  path = '/v1/models/clicks/predict',
): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${String(Buffer.byteLength(text))}`,
    ...more,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}

/** Returns an inference request as bytes; what of it is not ASCII, as UTF-8 in Latin-1. */
export function inferOf(body: unknown, more: readonly string[] = []): string {
  return Buffer.from(requestOf(body, more, '/v2/models/clicks/infer')).toString('latin1');
}

/** Client and servers share this event loop: after so many turns of it all that can be read and answered is. */
export async function rest(): Promise<void> {
  for (let turns = 0; turns < 30; turns++) await turn();
}

/** Resolves when so many requests are under way. */
export function untilUnderWay({ gate }: Desk, count: number): Promise<void> {
  return waitUntil(
    () => {
      const { underWay } = gate.figures();
      assert.equal(underWay, count);
    },
    { what: `${String(count)} requests under way`, limitMs: 5000, everyMs: 1 },
  );
}

/** Returns a body with an id. */
export const named = (id: string): object => ({ ...BODY, id });
/** Returns the ids of answers. */
export const ids = (told: readonly Told[]): unknown[] => told.map(({ body }) => body['predictionId']);

import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import swagger from '@fastify/swagger';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyServerFactory } from 'fastify';
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { HeadraceError, messageOf } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import { refuseBrokenRequest, refuseExpectations } from './broken-requests.ts';
import { hearShared } from './heard-connection.ts';
import type { HeardConnection } from './heard-connection.ts';
import { HttpProblem, ownMistake, problemDocument, withError } from './problem.ts';
import type { Fault } from './problem.ts';

/** What every service's HTTP side has. */
export interface AppOptions {
  readonly service: string;
  readonly log: Log;
  readonly registry: Registry;
  /** Largest request body, bytes. */
  readonly bodyLimitBytes: number;
  /** Names of what the service still waits for; empty when it is ready. */
  readonly waitsFor: () => readonly string[];
  /** Returns what /readyz says besides; nothing when it is left out. */
  readonly readiness?: () => Readonly<Record<string, string | number | null>>;
  /** Takes requests before fastify does, where something faster can answer them. */
  readonly shortcut?: Shortcut;
  /** Takes connections before Node does, where their bytes can be answered as they are. Wants a shortcut, too. */
  readonly connections?: ConnectionShortcut;
  /** Longest time a client may take to send a request, ms. */
  readonly requestTimeoutMs?: number;
}

/**
 * Is asked about every request before fastify is. Returns true when it answers; it may then still call `otherwise` with the body,
 * which it has read to its end, and fastify takes the request as if nobody had looked at it.
 */
export type Shortcut = (
  request: IncomingMessage,
  response: ServerResponse,
  otherwise: (body: Buffer) => void,
) => boolean;

/** Is given every connection before Node's HTTP is. */
export interface ConnectionShortcut {
  /**
   * Takes a new connection. It may call `otherwise` once, with all that it has read and not answered, when nothing of it is under
   * way and it hears nothing any more: the connection is Node's from then on.
   */
  take(connection: HeardConnection, otherwise: (bytes: Buffer) => void): void;
  /** Closes the connections on which nothing is under way; the others close with their answers. No more are taken. */
  close(): void;
}

/** A refused body of at most this size is read to its end and thrown away. */
const DRAINED_BYTES_MAX = 64 * 1024 * 1024;

/** For how long an idle connection is kept, ms: fastify's own default. */
export const KEEP_ALIVE_MS = 72_000;

/** Returns a stream of bytes that are there. */
function readableOf(body: Buffer): Readable {
  const stream = new Readable({ read: () => undefined });
  stream.push(body);
  stream.push(null);
  return stream;
}

/** Returns how to make a server whose requests a shortcut sees first; bodies that it has read are kept in `read`. */
function serverWith(
  shortcut: Shortcut,
  read: WeakMap<IncomingMessage, Buffer>,
  requestTimeout: number,
): FastifyServerFactory {
  return (handle) =>
    createServer(
      { requestTimeout, keepAliveTimeout: KEEP_ALIVE_MS, requireHostHeader: false },
      (request, response) => {
        const isTaken = shortcut(request, response, (body) => {
          read.set(request, body);
          handle(request, response);
        });
        if (!isTaken) handle(request, response);
      },
    );
}

/** Makes a server give its connections to a shortcut first. */
function giveConnections(app: FastifyInstance, connections: ConnectionShortcut): void {
  const { server } = app;
  const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
  let isClosing = false;
  server.removeAllListeners('connection');
  const giveToNode = (socket: Socket): void => {
    for (const listener of listeners) listener.call(server, socket);
  };
  server.on('connection', (accepted) => {
    if (isClosing) {
      giveToNode(accepted);
      return;
    }
    const connection = hearShared(accepted);
    connections.take(connection, (bytes) => {
      const { socket } = connection;
      giveToNode(socket);
      if (socket.isPaused()) socket.resume();
      socket.unshift(bytes);
    });
  });
  app.addHook('preClose', (done) => {
    isClosing = true;
    connections.close();
    done();
  });
}

/** Writes a problem document. */
function sendProblem(reply: FastifyReply, problem: HttpProblem, isOpenInference: boolean): FastifyReply {
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds));
  const document = problemDocument(problem.status, problem.message, problem.faults);
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(isOpenInference ? withError(document) : document);
}

function validationFaults(error: FastifyError): Fault[] {
  return (error.validation ?? []).map(({ instancePath, message, params }) => {
    const missing = (params as { missingProperty?: string }).missingProperty;
    const extra = (params as { additionalProperty?: string }).additionalProperty;
    const path = [instancePath, missing ?? extra]
      .filter((part) => part !== undefined && part !== '')
      .join('/');
    return { field: path.replace(/^\//, '') || '(body)', message: message ?? 'is invalid' };
  });
}

/** Returns what a thrown thing means to a client; undefined for a bug. */
function problemOf(error: unknown): HttpProblem | undefined {
  if (error instanceof HttpProblem) return error;
  if (error instanceof HeadraceError) {
    return new HttpProblem(
      error.retriable ? 503 : 500,
      error.message,
      error.retriable ? { retryAfterSeconds: 1 } : {},
    );
  }
  const { statusCode, validation } = error as FastifyError;
  if (validation !== undefined) {
    const faults = validationFaults(error as FastifyError);
    return new HttpProblem(400, faults.map(({ field, message }) => `${field} ${message}`).join('; '), {
      faults,
    });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new HttpProblem(statusCode, messageOf(error));
  return undefined;
}

/**
 * Returns a fastify app with what every service answers: `/livez`, `/readyz` (503 naming what it waits for),
 * `/metrics`, `/openapi.json`, and every error as an RFC 9457 problem document.
 */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const requestTimeout = options.requestTimeoutMs ?? 60_000;
  const { shortcut } = options;
  const read = new WeakMap<IncomingMessage, Buffer>();
  const app = fastify({
    bodyLimit: options.bodyLimitBytes,
    requestTimeout,
    forceCloseConnections: 'idle',
    return503OnClosing: shortcut === undefined, // else what came over an open connection is answered, and the connection closed
    logger: false,
    // RFC 9112, 3.2: without a host it is 400. Node would answer that without words, so the hook below does.
    http: { requireHostHeader: false },
    clientErrorHandler: refuseBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      void sendProblem(
        reply,
        problemOf(error) ?? new HttpProblem(400, error.message),
        request.url.startsWith('/v2'),
      );
    },
    ajv: {
      customOptions: { allErrors: true, coerceTypes: false, removeAdditional: false, useDefaults: true },
    },
    routerOptions: { maxParamLength: 256 },
    ...(shortcut && { serverFactory: serverWith(shortcut, read, requestTimeout) }),
  });
  if (shortcut) {
    app.addHook('preParsing', (request, _reply, payload, done) => {
      const body = read.get(request.raw);
      done(null, body === undefined ? payload : readableOf(body));
    });
  }
  await app.register(swagger, {
    openapi: { info: { title: `Headrace ${options.service}`, version: '1' } },
  });

  refuseExpectations(app.server);
  if (options.connections) giveConnections(app, options.connections);

  app.addHook('onRequest', async (request) => {
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1')
      throw new HttpProblem(400, 'header host: undefined, allowed the name of this server');
    const bytes = Number(request.headers['content-length'] ?? 0);
    const limit = request.routeOptions.bodyLimit;
    const isStreamed = request.headers['content-type']?.includes('ndjson') === true; // its route limits lines and items
    if (isStreamed || bytes <= limit) return;
    // A client that is still sending would see a cut connection instead of the answer.
    if (bytes <= DRAINED_BYTES_MAX) for await (const _chunk of request.raw);
    throw new HttpProblem(413, `the body has ${String(bytes)} bytes, allowed ${String(limit)}`);
  });

  app.setErrorHandler((error, request, reply) => {
    const known = problemOf(error);
    if (known === undefined) {
      options.log.error({ err: error, url: request.url }, 'request failed');
    }
    return sendProblem(reply, known ?? ownMistake(), request.url.startsWith('/v2'));
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      new HttpProblem(404, `no such resource: ${request.method} ${request.url}`),
      request.url.startsWith('/v2'),
    ),
  );

  new Gauge({
    name: 'headrace_service_ready',
    help: '1 while the service waits for nothing.',
    registers: [options.registry],
    collect() {
      this.set(options.waitsFor().length === 0 ? 1 : 0);
    },
  });
  const hidden = { schema: { hide: true } };
  app.get('/livez', hidden, () => ({ status: 'alive' }));
  app.get('/readyz', hidden, (_request, reply) => {
    const waitsFor = options.waitsFor();
    return reply
      .code(waitsFor.length === 0 ? 200 : 503)
      .send({ status: waitsFor.length === 0 ? 'ready' : 'waiting', waitsFor, ...options.readiness?.() });
  });
  app.get('/metrics', hidden, async (_request, reply) =>
    reply.type(options.registry.contentType).send(await options.registry.metrics()),
  );
  app.get('/openapi.json', hidden, () => app.swagger());
  return app;
}

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { messageOf } from '../../../shared/errors.ts';
import { HttpProblem, ownMistake } from '../../../shared/http/problem.ts';
import type { Log } from '../../../shared/observability/log.ts';
import { modelMetadata, SERVER_NAME } from '../domain/model-metadata.ts';
import { traceparentOf } from '../../../shared/domain/traceparent.ts';
import { parseWanted, VERSION_HEADER, versionNumber } from '../domain/wanted.ts';
import type { Refusal, Router } from '../service.ts';
import { inferBodyOf, responseOf } from './infer-messages.ts';
import type { ModelInferRequest, ModelInferResponse } from './infer-messages.ts';
import { shedCalls } from './shed-calls.ts';
import type { CallGate } from './shed-calls.ts';

/** What the server needs. */
export interface InferenceServerDeps {
  readonly log: Log;
  /** Returns the router; throws HttpProblem 503 naming what it waits for. */
  readonly router: () => Router;
  readonly waitsFor: () => readonly string[];
  readonly monotonicMs: () => number;
  /** Decides which calls for predictions are let in. */
  readonly gate: CallGate;
  /** Largest message that is taken, bytes. */
  readonly messageLimitBytes: number;
  readonly softwareVersion: string;
}

/** The Open Inference Protocol v2 over gRPC. */
export interface InferenceServer {
  /** Resolves with the port that is listened on. Rejects when the address cannot be had. */
  listen(host: string, port: number): Promise<number>;
  /** Takes no new calls, lets those under way end within the grace, and closes. */
  close(): Promise<void>;
}

/** The protocol's own description, © The KServe Authors, Apache License 2.0. */
const PROTO = join(import.meta.dirname, 'open_inference_grpc.proto');
const SERVICE = 'inference.GRPCInferenceService';
const CLOSE_GRACE_MS = 3000;
/** Calls of one connection at a time; further ones wait for a place. */
const STREAMS_MAX = 1024;

interface ModelRequest {
  readonly name: string;
  readonly version: string;
}

/** A call that is answered with a status other than OK. */
class CallRefused extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

function refusalOf(refusal: Refusal): CallRefused {
  switch (refusal.kind) {
    case 'invalid':
      return new CallRefused(status.INVALID_ARGUMENT, `${refusal.fault.field}: ${refusal.fault.message}`);
    case 'not-found':
      return new CallRefused(status.NOT_FOUND, refusal.reason);
    case 'unavailable':
      return new CallRefused(status.UNAVAILABLE, refusal.reason);
  }
}

/** Returns the server: it translates calls into what the router's use cases take, and their results back. */
export function createInferenceServer(deps: InferenceServerDeps): InferenceServer {
  const { log, router } = deps;

  function known(name: string, version: string): { model: ModelState; version: number | undefined } {
    const model = router().model(name);
    if (model === undefined) throw new CallRefused(status.NOT_FOUND, `model ${name} does not exist`);
    if (version === '') return { model, version: undefined };
    const number = versionNumber(version);
    if (!model.versions.some((one) => one.version === number))
      throw new CallRefused(status.NOT_FOUND, `model ${name} has no version ${version}`);
    return { model, version: number };
  }

  async function infer(message: ModelInferRequest, metadata: Metadata): Promise<ModelInferResponse> {
    const { model_name: model } = message;
    const arrivedMs = deps.monotonicMs();
    const { version } = known(model, message.model_version);
    const header = parseWanted(metadata.get(VERSION_HEADER)[0]);
    if ('fault' in header) throw refusalOf({ kind: 'invalid', fault: header.fault });
    const translated = inferBodyOf(message);
    if ('fault' in translated) throw refusalOf({ kind: 'invalid', fault: translated.fault });
    const result = await router().infer({
      model,
      body: translated.body,
      wanted: version ?? header.wanted,
      arrivedMs,
      traceparent: traceparentOf(metadata.get('traceparent')[0]),
    });
    if (result.kind !== 'answered') throw refusalOf(result);
    return responseOf(result.answer, message.raw_input_contents.length > 0);
  }

  /** Returns what a thrown thing is to a client. */
  function statusOf(error: unknown): { code: number; details: string } {
    if (error instanceof CallRefused) return { code: error.code, details: error.message };
    if (error instanceof HttpProblem && error.status === 503)
      return { code: status.UNAVAILABLE, details: error.message };
    log.error({ reason: messageOf(error), err: error }, 'call failed');
    return { code: status.INTERNAL, details: ownMistake().message };
  }

  const unary =
    <Asked, Answer>(answer: (asked: Asked, metadata: Metadata) => Answer | Promise<Answer>) =>
    (call: ServerUnaryCall<Asked, Answer>, callback: sendUnaryData<Answer>): void => {
      const answering = async (): Promise<Answer> => answer(call.request, call.metadata);
      answering().then(
        (value) => callback(null, value),
        (error: unknown) => callback({ ...statusOf(error), metadata: new Metadata() }),
      );
    };

  const server = new Server({
    'grpc.max_receive_message_length': deps.messageLimitBytes,
    'grpc.max_concurrent_streams': STREAMS_MAX,
    interceptors: [shedCalls(deps.gate)],
  });
  const definition = loadSync(PROTO, { keepCase: true, longs: Number, defaults: true, oneofs: true });
  server.addService(definition[SERVICE] as ServiceDefinition, {
    ServerLive: unary(() => ({ live: true })),
    ServerReady: unary(() => ({ ready: deps.waitsFor().length === 0 })),
    ModelReady: unary(({ name, version }: ModelRequest) => {
      const asked = known(name, version);
      return { ready: router().notReady(name, asked.version) === undefined };
    }),
    ServerMetadata: unary(() => ({ name: SERVER_NAME, version: deps.softwareVersion, extensions: [] })),
    ModelMetadata: unary(({ name, version }: ModelRequest) => {
      const asked = known(name, version);
      return modelMetadata(asked.model, asked.version);
    }),
    ModelInfer: unary(infer),
  });

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const address = `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
        server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
          if (error === null) resolve(bound);
          else reject(error);
        });
      }),
    async close() {
      const ended = new Promise<void>((resolve) => {
        server.tryShutdown(() => {
          resolve();
        });
      });
      await Promise.race([ended, delay(CLOSE_GRACE_MS, undefined, { ref: false })]);
      server.forceShutdown();
    },
  };
}

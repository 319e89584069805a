import type { TestContext } from 'node:test';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import type { Client, ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { createAdmissionGate } from '../../../services/router/admission-gate.ts';
import type { AdmissionGate } from '../../../services/router/admission-gate.ts';
import { createInferenceServer } from '../../../services/router/grpc/inference-server.ts';
import type { InferenceServer } from '../../../services/router/grpc/inference-server.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createWorld, serve } from './router-world.ts';
import type { RouterWorld } from './router-world.ts';

/** What the generated client has for each call of the service. */
type Call = (
  request: object,
  metadata: Metadata,
  options: { readonly deadline?: number },
  callback: (error: ServiceError | null, answer: unknown) => void,
) => unknown;
type InferenceClient = Client & Readonly<Record<string, Call>>;

const PROTO = join(import.meta.dirname, '../../../services/router/grpc/open_inference_grpc.proto');

/** A server over a router's world in memory, and the protocol's own client on a connection to it. */
export interface GrpcWorld {
  readonly world: RouterWorld;
  readonly server: InferenceServer;
  readonly gate: AdmissionGate;
  /** Returns the answer of a call; rejects with its status. */
  call(name: string, request?: object, headers?: Record<string, string>, deadline?: number): Promise<unknown>;
}

/** Returns a client made from the protocol's description, on a connection of its own. */
export function inferenceClient(address: string): Pick<GrpcWorld, 'call'> & { close(): void } {
  const loaded = loadPackageDefinition(loadSync(PROTO, { keepCase: true, longs: Number, defaults: true }));
  const { GRPCInferenceService } = loaded['inference'] as unknown as Record<
    string,
    new (address: string, security: object) => InferenceClient
  >;
  if (GRPCInferenceService === undefined) throw new RangeError(`${PROTO} has no GRPCInferenceService`);
  const client = new GRPCInferenceService(address, credentials.createInsecure());
  return {
    close: () => {
      client.close();
    },
    call: (name, request = {}, headers = {}, deadline = Date.now() + 10_000) =>
      new Promise((resolve, reject) => {
        const metadata = new Metadata();
        for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
        client[name]?.call(client, request, metadata, { deadline }, (error, answer) => {
          if (error === null) resolve(answer);
          else reject(error);
        });
      }),
  };
}

/** Returns a server with version 1 of `clicks` served, or, when it is not started, one that knows nothing yet. */
export async function openGrpc(t: TestContext, isStarted = true): Promise<GrpcWorld> {
  const world = createWorld();
  const gate = createAdmissionGate({ requestsMax: 4, bytesMax: 16_000_000, delayMaxMs: 200 });
  if (isStarted) await serve(world, 1, 0.1);
  const server = createInferenceServer({
    log: silentLog,
    router: () => {
      if (isStarted) return world.router;
      throw new HttpProblem(503, 'waiting for traffic.v1', { retryAfterSeconds: 1 });
    },
    waitsFor: () => (isStarted ? [] : ['traffic.v1']),
    monotonicMs: () => world.clock.nowMs,
    gate,
    messageLimitBytes: 65_536,
    softwareVersion: '1.2.3',
  });
  const port = await server.listen('127.0.0.1', 0);
  const { call, close } = inferenceClient(`127.0.0.1:${String(port)}`);
  t.after(async () => {
    close();
    await server.close();
  });
  return { world, server, gate, call };
}

/** `inference.ModelInferResponse`. */
export interface Response {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly contents: Readonly<Record<string, readonly unknown[]>> | null;
  }[];
  readonly raw_output_contents: readonly Buffer[];
}

/** A column of names, and one of subjects. */
export const shop = {
  name: 'shop',
  datatype: 'BYTES',
  shape: [2],
  contents: { bytes_contents: [Buffer.from('north'), Buffer.from('south')] },
};

export const subject = {
  ...shop,
  name: 'subject',
  contents: { bytes_contents: [Buffer.from('a'), Buffer.from('b')] },
};

/** Returns the answer of `ModelInfer`; rejects with its status. */
export async function infer(
  { call }: GrpcWorld,
  request: object,
  headers: Record<string, string> = {},
): Promise<Response> {
  return (await call('ModelInfer', { model_name: 'clicks', ...request }, headers)) as Response;
}

import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import type { Rng } from '../../../shared/domain/rng.ts';
import { messageOf } from '../../../shared/errors.ts';
import { GRPC_FAMILY_NAMES, nextGrpcInput } from './grpc-inputs.ts';
import type { GrpcFamilyName, GrpcInput } from './grpc-inputs.ts';

/** What became of the calls of one family. */
export interface GrpcFamilyCounts {
  inputs: number;
  taken: number;
  /** Ended with a status that says what is wrong. */
  refused: number;
  /** Streams that were reset and connections that were closed: only what is no sound gRPC may be. */
  closed: number;
}

/** What became of calls that were tampered with. */
export interface GrpcCounts {
  readonly families: Readonly<Record<GrpcFamilyName, GrpcFamilyCounts>>;
  readonly faults: string[];
}

type Outcome = 'taken' | 'refused' | 'closed';

const ANSWER_LIMIT_MS = 10_000;
/** How long a connection with frames that are none is kept open, ms: the server may take them for the beginning of something. */
const FRAMES_OPEN_MS = 20;
const STATUS_MAX = 16;
const FAULTS_MAX = 20;

/** Returns what a stream's headers and trailers say; throws when they say that the router made a mistake, or nothing. */
function outcomeOf(heard: IncomingHttpHeaders): Outcome {
  const status = heard['grpc-status'];
  if (status === undefined) {
    const http = Number(heard[':status'] ?? 0);
    if (http >= 400 && http < 500) return 'refused';
    throw new Error(`it was answered ${String(heard[':status'])} without grpc-status`);
  }
  const code = Number(status);
  if (!Number.isInteger(code) || code < 0 || code > STATUS_MAX)
    throw new Error(`its status is ${String(status)}`);
  if (/made a mistake/.test(decodeURIComponent(String(heard['grpc-message'] ?? ''))))
    throw new Error('the router made a mistake');
  return code === 0 ? 'taken' : 'refused';
}

/** Sends one stream and resolves with its outcome. */
function call(
  session: ClientHttp2Session,
  { headers, body }: { headers: object; body: Buffer },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let heard: IncomingHttpHeaders = {};
    const stream = session.request(headers as Record<string, string>);
    const limit = setTimeout(() => {
      reject(new Error(`no answer within ${String(ANSWER_LIMIT_MS)} ms`));
      stream.destroy();
    }, ANSWER_LIMIT_MS);
    for (const event of ['response', 'trailers'] as const)
      stream.on(event, (more: IncomingHttpHeaders) => {
        heard = { ...heard, ...more };
      });
    stream.on('error', () => undefined); // 'close' tells
    stream.on('close', () => {
      clearTimeout(limit);
      try {
        resolve(Object.keys(heard).length === 0 ? 'closed' : outcomeOf(heard));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(messageOf(error)));
      }
    });
    stream.resume();
    stream.end(body);
  });
}

/** Writes bytes to a connection of their own and resolves when it has ended, or was ended by us after a while. */
function sendFrames(port: number, bytes: Buffer): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const ending = setTimeout(() => socket.destroy(), FRAMES_OPEN_MS);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') reject(error);
    });
    socket.on('close', () => {
      clearTimeout(ending);
      resolve('closed');
    });
    socket.resume();
    socket.write(bytes);
  });
}

/** Sends seeded calls to a router's gRPC port, over so many connections at a time, and judges how each ends. */
export async function callGrpc(
  address: string,
  { count, lanes, rng }: { readonly count: number; readonly lanes: number; readonly rng: Rng },
): Promise<GrpcCounts> {
  const port = Number(address.split(':')[1]);
  const families = Object.fromEntries(
    GRPC_FAMILY_NAMES.map((name) => [name, { inputs: 0, taken: 0, refused: 0, closed: 0 }]),
  ) as Record<GrpcFamilyName, GrpcFamilyCounts>;
  const faults: string[] = [];
  let sent = 0;

  async function lane(): Promise<void> {
    let session: ClientHttp2Session | undefined;
    const send = (input: GrpcInput): Promise<Outcome> => {
      if (input.family === 'frames') return sendFrames(port, input.bytes);
      if (session === undefined || session.closed || session.destroyed) {
        session = connectHttp2(`http://${address}`);
        session.on('error', () => undefined); // its streams tell
      }
      return call(session, input);
    };
    while (sent < count) {
      const index = sent;
      sent += 1;
      const input = nextGrpcInput(rng);
      families[input.family].inputs += 1;
      try {
        const outcome = await send(input);
        families[input.family][outcome] += 1;
        if (outcome === 'closed' && (input.family === 'shapes' || input.family === 'messages'))
          throw new Error('its stream was reset');
      } catch (error) {
        if (faults.length < FAULTS_MAX)
          faults.push(`call ${String(index)} (${input.family}): ${messageOf(error)}`);
        session?.destroy();
      }
    }
    session?.destroy();
  }

  await Promise.all(Array.from({ length: lanes }, lane));
  return { families, faults };
}

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Target } from './target.ts';

const GOOD = Buffer.from('HTTP/1.1 2');
const HEAD_END = Buffer.from('\r\n\r\n');
/** Answers are read to the same memory again and again; one that is larger comes in pieces. */
const READ_BYTES = 64 * 1024;

/** Returns how many bytes the answer at the front takes, or undefined while it is not complete. */
function answerBytes(bytes: Buffer): number | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, headEnd))?.[1];
  if (length === undefined) throw new RangeError('load: an answer without Content-Length');
  const end = headEnd + HEAD_END.length + Number(length);
  return bytes.length < end ? undefined : end;
}

/** Returns the requests of a target as they are sent. */
export function requestsOf({ url, path, bodies }: Target): Buffer[] {
  const { host } = new URL(url);
  return bodies.map((body) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
    ),
  );
}

/** A kept connection on which one request is under way at a time. */
export interface Connection {
  ask(request: Buffer): void;
  close(): void;
}

/** Who hears what comes on a connection. */
export interface Listener {
  readonly onAnswer: (connection: Connection, isGood: boolean) => void;
  readonly onFailure: (error: Error) => void;
}

async function openConnection({ hostname, port }: URL, { onAnswer, onFailure }: Listener) {
  let rest: Buffer = Buffer.alloc(0);
  const hear = (size: number, buffer: Uint8Array): boolean => {
    const piece = Buffer.from(buffer.buffer, buffer.byteOffset, size);
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const end = answerBytes(bytes);
    if (end === undefined) {
      rest = Buffer.from(bytes); // the next piece is read over this one
      return true;
    }
    rest = Buffer.from(bytes.subarray(end));
    onAnswer(connection, bytes.subarray(0, GOOD.length).equals(GOOD));
    return true;
  };
  const socket: Socket = connect({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: { buffer: Buffer.allocUnsafe(READ_BYTES), callback: hear },
  });
  const connection: Connection = {
    ask(request) {
      socket.write(request);
    },
    close() {
      socket.destroy();
    },
  };
  await once(socket, 'connect');
  socket.on('error', onFailure);
  socket.on('end', () => {
    onFailure(new Error('load: the server has closed a connection'));
  });
  return connection;
}

/** Opens so many connections to a server. */
export async function openConnections(url: string, count: number, listener: Listener): Promise<Connection[]> {
  const at = new URL(url);
  return Promise.all(Array.from({ length: count }, () => openConnection(at, listener)));
}

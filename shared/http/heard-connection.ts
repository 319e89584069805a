import { Socket } from 'node:net';
import type { SocketConstructorOpts } from 'node:net';

/** Is told of bytes that have come: the first `length` of `bytes`, which are others as soon as the call has ended. */
export type Hear = (bytes: Buffer, length: number) => void;

/** A connection, and who hears what comes on it. */
export interface HeardConnection {
  readonly socket: Socket;
  /** Sets who is told of what comes from now on; undefined leaves it to the socket’s stream, as Node has it. */
  hear(listener: Hear | undefined): void;
}

/** What Node keeps to itself of a socket: its handle, and the server that counts it. */
interface Inside {
  _handle: { readonly useUserBuffer?: unknown } | null;
  _server?: unknown;
  server?: unknown;
}

/** What all connections are read to, one at a time: as much as libuv asks the kernel for. */
const read = Buffer.allocUnsafeSlow(65_536);

/** Returns a connection whose stream is listened to: each piece that comes is memory of its own. */
export function hearStream(socket: Socket): HeardConnection {
  let piece: ((bytes: Buffer) => void) | undefined;
  return {
    socket,
    hear(listener) {
      if (piece !== undefined) socket.off('data', piece);
      piece = undefined;
      if (listener === undefined) return;
      piece = (bytes) => {
        listener(bytes, bytes.length);
      };
      socket.on('data', piece);
    },
  };
}

/**
 * Returns a connection that was accepted as one that is read to memory that all of them share. A server’s sockets are read to
 * 64 KiB each time, which are allocated, copied from, and collected: for a short request that costs as much as parsing and scoring it.
 * Node has this for sockets that connect (`onread`) and not for those that it accepts: the accepted one is replaced by one over
 * the same handle. Where a Node has no such handle, the connection is heard by its stream.
 */
export function hearShared(accepted: Socket): HeardConnection {
  const inside = accepted as unknown as Inside;
  const handle = inside._handle;
  if (typeof handle?.useUserBuffer !== 'function') return hearStream(accepted);
  inside._handle = null;
  let hear: Hear | undefined;
  const options = {
    handle,
    allowHalfOpen: accepted.allowHalfOpen,
    onread: {
      buffer: read,
      callback(length: number): boolean {
        if (hear === undefined) return socket.push(Buffer.from(read.subarray(0, length)));
        hear(read, length);
        return true;
      },
    },
  };
  const socket: Socket = new Socket(options as unknown as SocketConstructorOpts);
  const { _server, server } = inside;
  Object.assign(socket, { _server, server });
  inside._server = undefined;
  return {
    socket,
    hear(listener) {
      hear = listener;
    },
  };
}

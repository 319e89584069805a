import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import kafkajs from 'kafkajs';

/** What the fix touches of a kafkajs connection. */
interface ConnectionInternals {
  socket?: Socket;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  authHandlers: unknown;
  isConnected(): boolean;
}
type Connect = (this: ConnectionInternals) => Promise<boolean>;
type Find = (this: unknown, wanted: { readonly groupId: string }) => Promise<unknown>;

const { KafkaJSConnectionError } = kafkajs; // CommonJS: Node finds only some of its names

const SIZE_BYTES = 4;
let isInstalled = false;

/**
 * Makes kafkajs 2.2.4 forget a half-received answer when it connects again. Unpatched, the bytes that were there when a
 * connection was cut stand before those of the next one: a size is read out of the middle of an answer, everything after
 * it is waited for as one answer of up to 2 GB, every request times out, and the open connection is never given up: the
 * consumer is silent for ever. Two callers that find a connection closed share one attempt; unpatched each opens a socket
 * and both feed the same buffer. And a group's coordinator that could not be asked for because the connection was cut is
 * asked for again; unpatched that error is final, and a consumer that meets it ends. Idempotent; called once by the client
 * factory before any connection exists.
 */
export function installReconnectFix(): void {
  if (isInstalled) return;
  isInstalled = true;
  const require = createRequire(import.meta.url);
  const Connection = require('kafkajs/src/network/connection') as { prototype: { connect: Connect } };
  const original = Connection.prototype.connect;
  const connecting = new WeakMap<ConnectionInternals, Promise<boolean>>();

  async function connectAfresh(connection: ConnectionInternals): Promise<boolean> {
    await turn(); // a disconnect on its way ends whatever socket it finds
    if (connection.isConnected()) return true;
    const { socket } = connection;
    if (socket !== undefined) {
      for (const event of ['data', 'end', 'timeout', 'error']) socket.removeAllListeners(event);
      socket.on('error', () => undefined);
      socket.destroy();
    }
    connection.chunks = [];
    connection.bytesBuffered = 0;
    connection.bytesNeeded = SIZE_BYTES;
    connection.authHandlers = null;
    return original.call(connection);
  }

  Connection.prototype.connect = function patched(this: ConnectionInternals): Promise<boolean> {
    const known = connecting.get(this);
    if (known !== undefined) return known;
    if (this.isConnected()) return Promise.resolve(true);
    const attempt = connectAfresh(this).finally(() => connecting.delete(this));
    connecting.set(this, attempt);
    return attempt;
  };

  const Cluster = require('kafkajs/src/cluster') as { prototype: { findGroupCoordinatorMetadata: Find } };
  const find = Cluster.prototype.findGroupCoordinatorMetadata;
  Cluster.prototype.findGroupCoordinatorMetadata = async function patched(wanted): Promise<unknown> {
    try {
      return await find.call(this, wanted);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'KafkaJSGroupCoordinatorNotFound') throw error;
      throw new KafkaJSConnectionError(`no broker could be asked for the coordinator of ${wanted.groupId}`);
    }
  };
}

import type { Socket } from 'node:net';
import { refuseBrokenRequest } from '../../../shared/http/broken-requests.ts';
import type { ConnectionShortcut } from '../../../shared/http/app.ts';
import type { PredictResult, Router } from '../service.ts';
import { createAnswerWriter, plainAnswer } from './plain-answer.ts';
import { createHeadReader } from './plain-head.ts';
import { OVERLOAD, pauseRefused } from './refuse-overload.ts';
import type { Gate } from './shed-overload.ts';

/** What plain connections need. */
export interface PlainConnectionsDeps {
  readonly gate: Gate;
  /** Returns the router; undefined while it waits for something. */
  readonly router: () => Router | undefined;
  /** Largest body, bytes. */
  readonly bodyLimitBytes: number;
  /** For how long an idle connection is kept, ms. */
  readonly keepAliveMs: number;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_BYTES_MAX = 8192;
/** Pieces in which a request may come: its head, its body, and one more. */
const PIECES_MAX = 3;
/** The most that is read ahead while an answer is under way, bytes. */
const AHEAD_BYTES_MAX = 65_536;
const SWEEP_MS = 5000;

/** A connection on which nothing but plain requests has come so far. */
class PlainConnection {
  readonly #socket: Socket;
  readonly #deps: PlainConnectionsDeps;
  readonly #shared: Shared;
  readonly #otherwise: (bytes: Buffer) => void;
  /** What has come of a request that is not whole, or while an answer is under way. */
  #rest: Buffer | undefined;
  #pieces = 0;
  #isAnswering = false;
  /** Whether the client takes its answers more slowly than it asks. */
  #isFull = false;
  #isEnded = false;
  heardMs: number;

  constructor(socket: Socket, shared: Shared, otherwise: (bytes: Buffer) => void) {
    this.#socket = socket;
    this.#deps = shared.deps;
    this.#shared = shared;
    this.#otherwise = otherwise;
    this.heardMs = shared.deps.monotonicMs();
    socket.on('data', this.#hear);
    socket.on('end', this.#end);
    socket.on('drain', this.#drain);
    socket.on('close', this.#close);
    socket.on('error', this.#fail);
  }

  /** Whether nothing has come that waits for an answer. */
  get isIdle(): boolean {
    return !this.#isAnswering && this.#rest === undefined;
  }

  /** Whether it waits for its client, and not for us. */
  get isWaiting(): boolean {
    return !this.#isAnswering;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  readonly #hear = (piece: Buffer): void => {
    if (this.#socket.writableEnded) return; // the last answer has been given
    this.heardMs = this.#deps.monotonicMs();
    this.#rest = this.#rest === undefined ? piece : Buffer.concat([this.#rest, piece]);
    if (!this.#isAnswering && !this.#isFull) this.#read();
    else if (this.#rest.length > AHEAD_BYTES_MAX) this.#socket.pause();
  };

  readonly #end = (): void => {
    this.#isEnded = true;
    if (this.isIdle) this.#socket.end();
    else if (!this.#isAnswering && !this.#isFull) this.#refuseHalf();
  };

  readonly #drain = (): void => {
    this.#isFull = false;
    this.#goOn();
  };

  readonly #close = (): void => {
    this.#shared.remove(this);
  };

  readonly #fail = (): void => {
    this.#socket.destroy();
  };

  /** Reads the request that has come, if it is whole and alone. */
  #read(): void {
    const bytes = this.#rest;
    if (bytes === undefined) return;
    const headEnd = bytes.indexOf(HEAD_END);
    const head =
      headEnd > 0 && headEnd <= HEAD_BYTES_MAX
        ? this.#shared.readHead(bytes.toString('latin1', 0, headEnd))
        : undefined;
    if (head === undefined || head.length > this.#deps.bodyLimitBytes) {
      this.#handOver(bytes);
      return;
    }
    const bodyFrom = headEnd + HEAD_END.length;
    if (bytes.length !== bodyFrom + head.length) {
      this.#pieces += 1;
      const mayCome = bytes.length < bodyFrom + head.length && this.#pieces < PIECES_MAX;
      if (!mayCome || this.#isEnded) this.#handOver(bytes);
      return;
    }
    this.#pieces = 0;
    this.#rest = undefined;
    const { model, length, traceparent } = head;
    const router = this.#deps.router();
    if (router === undefined) {
      this.#handOver(bytes);
      return;
    }
    if (!this.#deps.gate.enter(length)) {
      this.#write(this.#shared.write(OVERLOAD, this.#isLast()), true);
      pauseRefused(this.#socket);
      return;
    }
    this.#isAnswering = true;
    const asked = { model, body: bytes.subarray(bodyFrom), arrivedMs: this.heardMs, traceparent };
    const isTaken = router.predictPlain(asked, (result) => {
      this.#answer(result, length);
    });
    if (isTaken) return;
    this.#deps.gate.leave(length);
    this.#isAnswering = false;
    this.#handOver(bytes);
  }

  #isLast(): boolean {
    return this.#isEnded || this.#deps.gate.isClosing();
  }

  #answer(result: PredictResult, length: number): void {
    this.#deps.gate.leave(length);
    this.#isAnswering = false;
    if (!this.#socket.writable) return;
    const answer = plainAnswer(result);
    this.#write(this.#shared.write(answer, this.#isLast()), answer.isAscii);
    this.#goOn();
  }

  #write(text: string, isAscii: boolean): void {
    const encoding = isAscii ? 'latin1' : 'utf8';
    if (this.#isLast()) this.#socket.end(text, encoding);
    else if (!this.#socket.write(text, encoding)) {
      this.#isFull = true;
      this.#socket.pause();
    }
  }

  /** Goes on with what has come meanwhile. */
  #goOn(): void {
    if (this.#isFull || this.#socket.writableEnded) return;
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#read();
  }

  /** A request that is no plain one has come: from here on the connection is Node's. */
  #handOver(bytes: Buffer): void {
    if (this.#isEnded) {
      this.#refuseHalf(); // Node would not learn that nothing more comes
      return;
    }
    this.#rest = undefined;
    const socket = this.#socket;
    socket.off('data', this.#hear).off('end', this.#end).off('drain', this.#drain);
    socket.off('close', this.#close).off('error', this.#fail);
    this.#shared.remove(this);
    this.#otherwise(bytes);
  }

  #refuseHalf(): void {
    refuseBrokenRequest({ message: 'the connection ended within it' }, this.#socket);
  }
}

/** What all connections share. */
interface Shared {
  readonly deps: PlainConnectionsDeps;
  readonly readHead: ReturnType<typeof createHeadReader>;
  readonly write: ReturnType<typeof createAnswerWriter>;
  readonly remove: (connection: PlainConnection) => void;
}

/**
 * Answers plain prediction requests straight from the bytes of their connections: a whole request, alone, whose head is of
 * the plainest kind (`plain-head.ts`) and whose body `Router.predictPlain` takes. A connection on which anything else comes
 * is Node's from then on, with every byte of what came. So whatever is read here is read strictly, and Node reads the rest.
 */
export function createPlainConnections(deps: PlainConnectionsDeps): ConnectionShortcut {
  const connections = new Set<PlainConnection>();
  let sweeping: NodeJS.Timeout | undefined;

  /** Closes what has been idle for too long: one timer for all, because one for each would have to be set at every request. */
  function sweep(): void {
    const nowMs = deps.monotonicMs();
    for (const connection of connections)
      if (connection.isWaiting && nowMs - connection.heardMs > deps.keepAliveMs) connection.destroy();
  }

  const shared: Shared = {
    deps,
    readHead: createHeadReader(),
    write: createAnswerWriter(deps.nowMs, deps.keepAliveMs),
    remove(connection) {
      connections.delete(connection);
      if (connections.size > 0) return;
      clearInterval(sweeping);
      sweeping = undefined;
    },
  };
  return {
    take(socket, otherwise) {
      connections.add(new PlainConnection(socket, shared, otherwise));
      sweeping ??= setInterval(sweep, SWEEP_MS).unref();
    },
    close() {
      for (const connection of connections) if (connection.isIdle) connection.destroy();
    },
  };
}

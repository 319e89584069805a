import type { Socket } from 'node:net';
import { refuseBrokenRequest } from '../../../shared/http/broken-requests.ts';
import type { Hear, HeardConnection } from '../../../shared/http/heard-connection.ts';
import type { Router } from '../service.ts';
import type { createAnswerWriter, PlainAnswer } from './plain-answer.ts';
import { HeadReader } from './plain-head.ts';
import type { PlainHead, PlainKind } from './plain-head.ts';
import type { PlainClient, PlainRoute } from './plain-routes.ts';
import { pauseRefused } from './refuse-overload.ts';
import type { Gate } from './shed-overload.ts';

/** What all plain connections share. */
export interface PlainShared {
  readonly gate: Gate;
  /** Returns the router; undefined while it waits for something. */
  readonly router: () => Router | undefined;
  readonly routes: Readonly<Record<PlainKind, PlainRoute>>;
  /** Returns an answer as it is written. */
  readonly text: ReturnType<typeof createAnswerWriter>;
  /** Has an answer written in a moment: `write` is called, once. */
  readonly tell: (connection: PlainConnection, answer: PlainAnswer) => void;
  readonly monotonicMs: () => number;
  /** Called when a connection is closed, or is Node's from now on. */
  readonly remove: (connection: PlainConnection) => void;
}

/** A request that has been let in. */
interface Entered {
  readonly router: Router;
  readonly head: PlainHead;
  /** Memory with all of it, from its head on; what is still to come of its body is missing at the end. */
  readonly bytes: Buffer;
  readonly bodyFrom: number;
  readonly arrivedMs: number;
}

/** The most that is read ahead while an answer is under way, bytes. */
const AHEAD_BYTES_MAX = 65_536;

/** A connection on which nothing but plain requests has come so far. */
export class PlainConnection implements PlainClient {
  readonly #connection: HeardConnection;
  readonly #socket: Socket;
  readonly #shared: PlainShared;
  readonly #otherwise: (bytes: Buffer) => void;
  readonly #heads = new HeadReader();
  /** The request that was let in and has no answer yet. */
  #entered: Entered | undefined;
  /** What is still to come of the body of the request that was read last, bytes; of one that was refused it is thrown away. */
  #missing = 0;
  /** What has come after that request. */
  #rest: Buffer | undefined;
  /** Whether the client takes its answers more slowly than it asks. */
  #isFull = false;
  #isEnded = false;
  #heardMs: number;

  constructor(connection: HeardConnection, shared: PlainShared, otherwise: (bytes: Buffer) => void) {
    const { socket } = connection;
    this.#connection = connection;
    this.#socket = socket;
    this.#shared = shared;
    this.#otherwise = otherwise;
    this.#heardMs = shared.monotonicMs();
    connection.hear(this.#hear);
    socket.on('end', this.#end);
    socket.on('drain', this.#drain);
    socket.on('close', this.#close);
    socket.on('error', this.#fail);
  }

  get isGone(): boolean {
    return !this.#socket.writable;
  }

  /** Whether the next request may be read: none is under way, and the client takes its answers. */
  get #mayRead(): boolean {
    return this.#entered === undefined && !this.#isFull;
  }

  get #isAnswering(): boolean {
    return this.#entered !== undefined && this.#missing === 0;
  }

  tell(answer: PlainAnswer): void {
    this.#shared.tell(this, answer);
  }

  /** Writes the answer to the request that was let in. */
  write(answer: PlainAnswer): void {
    this.#leave();
    if (this.isGone) return;
    this.#write(answer);
    this.#goOn();
  }

  refuse(): void {
    const { head } = this.#leave();
    if (this.isGone) return;
    this.#refuse(this.#shared.routes[head.kind]);
    this.#goOn();
  }

  leaveToNode(): void {
    const missing = this.#missing;
    const { head, bytes, bodyFrom } = this.#leave();
    const route = this.#shared.routes[head.kind];
    if (this.isGone) return;
    if (this.#isEnded)
      this.#refuse(route); // Node would not learn that nothing more comes
    else {
      const come = bytes.subarray(0, bodyFrom + head.length - missing);
      this.#handOver(route.keepsBytes ? come : Buffer.from(come));
    }
  }

  /** Closes it where nothing is under way; where something is, it is closed with its answer. */
  close(): void {
    if (this.#entered === undefined && this.#rest === undefined) this.#socket.destroySoon();
  }

  /**
   * Closes it when its client has said nothing for too long, and leaves it to Node when its client takes long over one request.
   *
   * @param slowMs for how long a request may come, ms
   * @param idleMs for how long nothing may come, ms
   */
  sweep(nowMs: number, { slowMs, idleMs }: { readonly slowMs: number; readonly idleMs: number }): void {
    if (this.#isAnswering) return;
    if (this.#entered !== undefined) {
      if (nowMs - this.#entered.arrivedMs > slowMs) this.leaveToNode();
    } else if (nowMs - this.#heardMs > idleMs) this.#socket.destroy();
  }

  readonly #hear: Hear = (bytes, length) => {
    if (this.#socket.writableEnded) return; // the last answer has been given
    this.#heardMs = this.#shared.monotonicMs();
    if (this.#missing > 0) this.#hearBody(bytes, length);
    else if (this.#rest === undefined && this.#mayRead) this.#read(bytes, length);
    else {
      const piece = bytes.subarray(0, length);
      this.#rest = Buffer.concat(this.#rest === undefined ? [piece] : [this.#rest, piece]);
      if (this.#rest.length > AHEAD_BYTES_MAX) this.#socket.pause();
    }
  };

  #hearBody(bytes: Buffer, length: number): void {
    const part = Math.min(length, this.#missing);
    if (part < length) this.#rest = Buffer.from(bytes.subarray(part, length));
    const entered = this.#entered;
    if (entered !== undefined) bytes.copy(entered.bytes, entered.bytes.length - this.#missing, 0, part);
    this.#missing -= part;
    if (this.#missing > 0) return;
    if (entered !== undefined) this.#begin(entered);
    else this.#goOn();
  }

  readonly #end = (): void => {
    this.#isEnded = true;
    if (this.#isAnswering) return; // its answer is the last
    if (this.#entered === undefined && this.#rest === undefined) this.#socket.end();
    else if (!this.#isFull) this.#refuseHalf();
  };

  readonly #drain = (): void => {
    this.#isFull = false;
    this.#goOn();
  };

  readonly #close = (): void => {
    if (this.#entered !== undefined && !this.#isAnswering) this.#leave();
    this.#shared.remove(this);
  };

  readonly #fail = (): void => {
    this.#socket.destroy();
  };

  /** Reads the request that has come, if its head is plain and nothing comes after it. The bytes are lent. */
  #read(bytes: Buffer, length: number): void {
    const { routes, gate } = this.#shared;
    const head = this.#heads.read(bytes, length);
    const { bodyFrom } = this.#heads;
    const missing = head === undefined ? -1 : bodyFrom + head.length - length;
    const router = this.#shared.router();
    if (
      head === undefined ||
      head.length > routes[head.kind].bodyLimitBytes ||
      missing < 0 ||
      router === undefined
    ) {
      this.#handOver(Buffer.from(bytes.subarray(0, length)));
      return;
    }
    this.#missing = missing;
    const route = routes[head.kind];
    if (!gate.enter(head.length)) {
      this.#refuse(route);
      return;
    }
    const isLent = missing === 0 && !route.keepsBytes;
    const kept = isLent ? bytes : ownBytes(bytes, length, missing);
    this.#entered = { router, head, bytes: kept, bodyFrom, arrivedMs: this.#heardMs };
    if (missing === 0) this.#begin(this.#entered);
  }

  /** Answers the request that was let in, of which all has come. */
  #begin({ router, head, bytes, bodyFrom, arrivedMs }: Entered): void {
    const { kind, model, length, traceparent } = head;
    const asked = { model, bytes, from: bodyFrom, to: bodyFrom + length, arrivedMs, traceparent };
    this.#shared.routes[kind].answer(router, asked, this);
  }

  /** Ends the request that was let in, and returns it. */
  #leave(): Entered {
    const entered = this.#entered;
    if (entered === undefined) throw new Error('a request was answered twice');
    this.#entered = undefined;
    this.#missing = 0;
    this.#shared.gate.leave(entered.head.length);
    return entered;
  }

  #refuse(route: PlainRoute): void {
    this.#write(route.overload);
    pauseRefused(this.#socket);
  }

  #write(answer: PlainAnswer): void {
    const isLast = this.#isEnded || this.#shared.gate.isClosing();
    const text = this.#shared.text(answer, isLast);
    const encoding = answer.isAscii ? 'latin1' : 'utf8';
    if (isLast) this.#socket.end(text, encoding);
    else if (!this.#socket.write(text, encoding)) {
      this.#isFull = true;
      this.#socket.pause();
    }
  }

  /** Goes on with what has come meanwhile. */
  #goOn(): void {
    if (!this.#mayRead || this.#socket.writableEnded) return;
    if (this.#socket.isPaused()) this.#socket.resume();
    const bytes = this.#rest;
    if (bytes === undefined) return;
    this.#rest = undefined;
    this.#read(bytes, bytes.length);
  }

  /** A request that is no plain one has come: from here on the connection is Node's. */
  #handOver(first: Buffer): void {
    if (this.#isEnded) {
      this.#refuseHalf();
      return;
    }
    const bytes = this.#rest === undefined ? first : Buffer.concat([first, this.#rest]);
    this.#rest = undefined;
    const socket = this.#socket;
    this.#connection.hear(undefined);
    socket.off('end', this.#end).off('drain', this.#drain);
    socket.off('close', this.#close).off('error', this.#fail);
    this.#shared.remove(this);
    this.#otherwise(bytes);
  }

  #refuseHalf(): void {
    refuseBrokenRequest({ message: 'the connection ended within it' }, this.#socket);
  }
}

/** Returns a copy with room for more behind it: as much as was let in, in however many pieces the rest comes. */
function ownBytes(bytes: Buffer, length: number, more: number): Buffer {
  const own = Buffer.allocUnsafeSlow(length + more);
  bytes.copy(own, 0, 0, length);
  return own;
}

import { createRequire } from 'node:module';
import { connect } from 'node:net';
import type { ISocketFactory } from 'kafkajs';
import type { SpareMemory } from '../domain/spare-memory.ts';

const SIZE_BYTES = 4;
/** Bytes read at a time while no answer is under way. */
const READ_BYTES = 65_536;
/** Larger answers are none: the broker says how large it is, and memory is taken for that. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
const KEEP_ALIVE_MS = 60_000;

/** Puts answers together out of what comes over a connection: each has its size before it (Kafka protocol guide, "Protocol Primitive Types"). */
export class AnswerReader {
  readonly #onAnswer: (answer: Buffer) => void;
  readonly #memory: SpareMemory | undefined;
  readonly #pieces = Buffer.allocUnsafeSlow(READ_BYTES);
  /** Bytes of a size that is not whole yet, at the front of the pieces. */
  #begun = 0;
  /** The answer that is under way, and how much of it there is. */
  #answer: Buffer | undefined;
  #filled = 0;

  /**
   * @param onAnswer takes every answer, its size before it; the bytes are its own
   * @param memory where large answers lie that are given back; default: each in its own
   */
  constructor(onAnswer: (answer: Buffer) => void, memory?: SpareMemory) {
    this.#onAnswer = onAnswer;
    this.#memory = memory;
  }

  /** Returns where the next bytes belong: of a large answer they are read to where they stay. */
  room(): Buffer {
    return this.#answer?.subarray(this.#filled) ?? this.#pieces.subarray(this.#begun);
  }

  /**
   * Takes it that so many bytes were put into the room returned last.
   *
   * @throws RangeError when what should be a size is none
   */
  took(count: number): void {
    const answer = this.#answer;
    if (answer === undefined) {
      this.#split(this.#begun + count);
      return;
    }
    this.#filled += count;
    if (this.#filled < answer.length) return;
    this.#answer = undefined;
    this.#onAnswer(answer);
  }

  #split(count: number): void {
    const pieces = this.#pieces;
    this.#begun = 0;
    let at = 0;
    while (count - at >= SIZE_BYTES) {
      const size = pieces.readInt32BE(at);
      if (size < 0 || size > ANSWER_BYTES_MAX)
        throw new RangeError(`answer of ${String(size)} bytes, allowed 0 … ${String(ANSWER_BYTES_MAX)}`);
      const end = at + SIZE_BYTES + size;
      if (end > count) {
        const length = end - at;
        this.#answer =
          this.#memory === undefined
            ? Buffer.allocUnsafeSlow(length)
            : Buffer.from(this.#memory.lend(length), 0, length);
        this.#filled = pieces.copy(this.#answer, 0, at, count);
        return;
      }
      this.#onAnswer(Buffer.from(pieces.subarray(at, end)));
      at = end;
    }
    pieces.copyWithin(0, at, count);
    this.#begun = count - at;
  }
}

/**
 * Returns what makes plain connections for kafkajs on which `data` is always one whole answer, and small requests wait for no
 * acknowledgement of those before them (TCP_NODELAY). Unpatched, kafkajs gets pieces of up to 64 KiB, each in memory of its own,
 * and copies them together; and a second request on a connection waits until the broker has answered the first.
 */
export const connectForAnswers =
  (memory?: SpareMemory): ISocketFactory =>
  ({ host, port, onConnect }) => {
    const reader = new AnswerReader((answer) => socket.emit('data', answer), memory);
    const socket = connect(
      {
        host,
        port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
        onread: {
          buffer: () => reader.room(),
          callback: (count) => {
            try {
              reader.took(count);
            } catch (error) {
              socket.destroy(error as Error);
            }
            return true;
          },
        },
      },
      onConnect,
    );
    return socket;
  };

/** What is touched of a kafkajs connection. */
interface ConnectionInternals {
  chunks: Buffer[];
  readonly bytesBuffered: number;
}
type ProcessData = (this: ConnectionInternals, data: Buffer) => void;

let isInstalled = false;

/**
 * Makes kafkajs 2.2.4 take a whole answer as it is: unpatched, it is copied behind the nothing that was left of the one before.
 * Idempotent; called once by the client factory before any connection exists.
 */
export function installWholeAnswers(): void {
  if (isInstalled) return;
  isInstalled = true;
  const require = createRequire(import.meta.url);
  const Connection = require('kafkajs/src/network/connection') as { prototype: { processData: ProcessData } };
  const original = Connection.prototype.processData;
  Connection.prototype.processData = function patched(this: ConnectionInternals, data): void {
    if (this.bytesBuffered === 0) this.chunks = [];
    original.call(this, data);
  };
}

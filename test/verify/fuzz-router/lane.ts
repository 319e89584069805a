import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { readAnswer } from './answer-reader.ts';
import type { RawAnswer } from './answer-reader.ts';
import type { FuzzInput } from './inputs.ts';

/** One sender: an input at a time, sound HTTP over a connection that is kept. */
export interface Lane {
  /**
   * Returns what was answered: nothing when the connection was closed without a word. Rejects when nothing is there within
   * 10 s, when the answer is none, or when no connection is to be had.
   */
  send(input: FuzzInput): Promise<readonly RawAnswer[]>;
  close(): void;
}

const ANSWER_LIMIT_MS = 10_000;
/** How long bytes that may be no whole request have for an answer before their connection is ended, ms. */
const END_AFTER_MS = 20;

/** Returns a lane to a port of this machine. */
export function createLane(port: number): Lane {
  let kept: Socket | undefined;

  /** Writes the bytes and resolves with the first answers that satisfy, or with all there were when the connection ends. */
  function exchange(socket: Socket, bytes: Buffer, isLast: boolean): Promise<readonly RawAnswer[]> {
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      const answers: RawAnswer[] = [];
      const finish = (act: () => void): void => {
        clearTimeout(limit);
        clearTimeout(ending);
        socket.removeAllListeners();
        socket.on('error', () => undefined);
        act();
      };
      const fail = (error: unknown): void => {
        finish(() => {
          socket.destroy();
          reject(error instanceof Error ? error : new Error(String(error)));
        });
      };
      const take = (isEnded: boolean): void => {
        for (let read = readAnswer(received, isEnded); read !== undefined;) {
          answers.push(read.answer);
          received = Buffer.from(read.rest);
          read = readAnswer(received, isEnded);
        }
      };
      const limit = setTimeout(() => {
        fail(new Error(`no answer within ${String(ANSWER_LIMIT_MS)} ms`));
      }, ANSWER_LIMIT_MS);
      // An ended connection has its requests given up, so that one that is whole gets its answer first.
      const ending = isLast ? setTimeout(() => socket.end(), END_AFTER_MS) : undefined;
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        try {
          take(false);
        } catch (error) {
          fail(error);
          return;
        }
        if (answers.length === 0) return;
        if (isLast) socket.end();
        else
          finish(() => {
            resolve(answers);
          });
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') fail(error); // after others the connection closes
      });
      socket.on('close', () => {
        try {
          take(true);
        } catch (error) {
          fail(error);
          return;
        }
        finish(() => {
          resolve(answers);
        });
      });
      socket.write(bytes);
    });
  }

  return {
    async send({ bytes, isHttp }) {
      if (!isHttp) return exchange(connect(port, '127.0.0.1'), bytes, true);
      const isFresh = kept === undefined || kept.destroyed || !kept.writable;
      const socket = isFresh || kept === undefined ? connect(port, '127.0.0.1') : kept;
      socket.setNoDelay(true);
      kept = socket;
      const answers = await exchange(socket, bytes, false);
      if (answers.length === 0 || answers.some(({ closes }) => closes)) {
        socket.destroy();
        kept = undefined;
      }
      // A kept connection may have been closed at the moment it was used; a fresh one may not.
      return answers.length === 0 && !isFresh ? this.send({ bytes, isHttp } as FuzzInput) : answers;
    },
    close() {
      kept?.destroy();
    },
  };
}

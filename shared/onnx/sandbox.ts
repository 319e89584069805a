import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { TOO_MUCH_MEMORY } from './sandbox-messages.ts';
import type { SandboxAsk, SandboxReply, SandboxRequest } from './sandbox-messages.ts';

const PROGRAM = join(import.meta.dirname, 'sandbox-main.ts');
/** What Node reserves for itself in writable memory beside what it uses, MiB. */
const RUNTIME_RESERVE_MB = 768;
const SAID_MAX = 4096;

/** What runs a hostile file may say anything. */
function isReply(message: unknown): message is SandboxReply {
  if (typeof message !== 'object' || message === null || !('id' in message)) return false;
  return 'answer' in message || ('fault' in message && typeof message.fault === 'string');
}

/** A process of its own in which a file from elsewhere is looked at, loaded and run. */
export interface Sandbox {
  /**
   * Returns the answer to an ask, which is not to be trusted. Rejects with what was wrong, in words; and when there is no answer within
   * the limit, ends the process.
   *
   * @param limitMs how long it may take, ms
   */
  ask(ask: SandboxAsk, limitMs: number): Promise<unknown>;
  /** Resolves when the process has ended, with why, in words. */
  readonly ended: Promise<string>;
  /** Ends the process at once. */
  close(): void;
}

/**
 * Starts a sandbox. It has no environment, no right to write files and no core file, and its memory is limited twice: the kernel
 * refuses it more than the limit and what Node reserves (where it knows such a limit, as Linux does), and a thread inside
 * ends it when its resident memory is beyond the limit. It ends with this process.
 *
 * @param memoryMb most resident memory, MiB; Node and ONNX Runtime alone take more than 100
 */
export function openSandbox(memoryMb: number): Sandbox {
  const limitKb = String((memoryMb + RUNTIME_RESERVE_MB) * 1024);
  const limits = `ulimit -c 0; ulimit -f 0; ulimit -d ${limitKb} 2>/dev/null; exec "$@"`;
  const child = spawn(
    '/bin/sh',
    ['-c', limits, 'sandbox', process.execPath, '--no-warnings', PROGRAM, String(memoryMb)],
    { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced', env: {}, cwd: '/' },
  );
  const asked = new Map<number, PromiseWithResolvers<unknown>>();
  const ended = Promise.withResolvers<string>();
  let lastId = 0;
  let said = '';
  let isEnded = false;

  function end(why: string): void {
    if (isEnded) return;
    isEnded = true;
    child.kill('SIGKILL');
    for (const { reject } of asked.values()) reject(new Error(why));
    asked.clear();
    ended.resolve(why);
  }

  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_MAX);
  });
  child.on('error', (error) => {
    end(`its process could not be started: ${error.message}`);
  });
  child.on('close', (code, signal) => {
    const isLarge = said.includes(TOO_MUCH_MEMORY) || /alloc|out of memory/i.test(said);
    const how = signal ?? `code ${String(code)}`;
    end(
      isLarge
        ? `it took more memory than the ${String(memoryMb)} MiB allowed`
        : `its process ended with ${how}; it may take ${String(memoryMb)} MiB of memory`,
    );
  });
  child.on('message', (message: unknown) => {
    if (!isReply(message)) return;
    const waiting = asked.get(message.id);
    asked.delete(message.id);
    if ('fault' in message) waiting?.reject(new Error(message.fault));
    else waiting?.resolve(message.answer);
  });

  return {
    async ask(ask, limitMs) {
      if (isEnded) throw new Error(await ended.promise);
      const id = (lastId += 1);
      const waiting = Promise.withResolvers<unknown>();
      asked.set(id, waiting);
      const request: SandboxRequest = { id, ask };
      child.send(request, (error) => {
        if (error !== null) end(`its process does not listen: ${error.message}`);
      });
      const timer = setTimeout(() => {
        end(`it has not answered within ${String(limitMs)} ms`);
      }, limitMs);
      try {
        return await waiting.promise;
      } finally {
        clearTimeout(timer);
      }
    },
    ended: ended.promise,
    close() {
      end('it was ended');
    },
  };
}

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Target } from '../serving/target.ts';

/** What an open load saw. */
export interface OpenLoad {
  readonly offered: number;
  /** Answers of 2xx that came in time, counted from when their request was due. */
  readonly inTime: number;
  /** Answers of 2xx that came too late to be of use. */
  readonly late: number;
  /** Answers of 503. */
  readonly shed: number;
  /** Other answers, and connections that ended. */
  readonly failed: number;
  /** Requests that were never sent, because every connection had one under way until they were too late. */
  readonly unsent: number;
  readonly seconds: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** Returns status and size of the answer at the front, or undefined while it is not complete. */
function answerAt(bytes: Buffer): { status: number; end: number } | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const end = headEnd + HEAD_END.length + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return bytes.length < end ? undefined : { status: Number(head.slice(9, 12)), end };
}

/**
 * Sends requests at a rate whatever becomes of them, over kept connections of which each has one request under way; what finds
 * no free connection waits in line until it is too late. A refused request is not repeated, and its connection is used again at
 * once: a client that heeds no Retry-After.
 */
export async function openLoad(
  { url, path, bodies }: Target,
  options: {
    rate: number;
    seconds: number;
    connections: number;
    deadlineMs: number;
    /** Called when all connections are open, before the first request. */
    onOpen?: () => void;
  },
): Promise<OpenLoad> {
  const { rate, seconds, connections, deadlineMs } = options;
  const { hostname, port } = new URL(url);
  const requests = bodies.map((body) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
    ),
  );
  const idle: Socket[] = [];
  const dueMs = new Map<Socket, number>();
  const found = { inTime: 0, late: 0, shed: 0, failed: 0, unsent: 0 };
  let startMs = NaN;
  let endMs = NaN;
  let taken = 0;

  function hear(socket: Socket, status: number): void {
    const nowMs = performance.now();
    if (nowMs <= endMs) {
      const isInTime = nowMs - (dueMs.get(socket) ?? 0) <= deadlineMs;
      if (status === 503) found.shed += 1;
      else if (status < 200 || status > 299) found.failed += 1;
      else if (isInTime) found.inTime += 1;
      else found.late += 1;
    }
    idle.push(socket);
  }

  function open(): { readonly socket: Socket; readonly settled: Promise<void> } {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const answer = answerAt(rest);
      if (answer === undefined) return;
      rest = rest.subarray(answer.end);
      hear(socket, answer.status);
    });
    const settled = new Promise<void>((resolve) => {
      socket.on('connect', () => {
        idle.push(socket);
        resolve();
      });
      socket.on('error', () => {
        found.failed += 1;
        resolve();
      });
    });
    return { socket, settled };
  }

  /** Sends what is due, the oldest first; what has waited past its deadline is not sent any more. */
  function sendDue(): void {
    const nowMs = performance.now();
    for (;;) {
      const atMs = startMs + (1000 * taken) / rate;
      if (atMs > nowMs || atMs > endMs) return;
      if (nowMs - atMs > deadlineMs) {
        found.unsent += 1;
        taken += 1;
        continue;
      }
      const socket = idle.shift();
      if (socket === undefined) return;
      dueMs.set(socket, atMs);
      socket.write(requests[taken % requests.length] ?? '');
      taken += 1;
    }
  }

  const opened = Array.from({ length: connections }, open);
  await Promise.all(opened.map(({ settled }) => settled));
  options.onOpen?.();
  startMs = performance.now();
  endMs = startMs + 1000 * seconds;
  const done = Promise.withResolvers<undefined>();
  const timer = setInterval(() => {
    sendDue();
    if (performance.now() > endMs) done.resolve(undefined);
  }, 1);
  await done.promise;
  clearInterval(timer);
  for (const { socket } of opened) socket.destroy();
  return { ...found, offered: Math.round(rate * seconds), seconds };
}

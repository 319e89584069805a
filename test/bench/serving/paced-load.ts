import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Load, Target } from './target.ts';

const ANSWER_START = Buffer.from('HTTP/1.1 2');
const HEAD_END = Buffer.from('\r\n\r\n');

/** Returns how many bytes the answer at the front takes, or undefined while it is not complete. */
function answerBytes(bytes: Buffer): number | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, headEnd))?.[1];
  if (length === undefined) throw new RangeError('paced load: an answer without Content-Length');
  const end = headEnd + HEAD_END.length + Number(length);
  return bytes.length < end ? undefined : end;
}

/**
 * Sends requests at a steady rate over kept connections, and times each from the moment at which it was due, not from when a
 * connection was free: a server that stands still is charged for everything that waits meanwhile.
 */
export async function pacedLoad(
  { url, path, bodies }: Target,
  { connections, seconds, rate }: { connections: number; seconds: number; rate: number },
): Promise<Load> {
  const { hostname, port } = new URL(url);
  const requests = bodies.map((body) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
    ),
  );
  const total = Math.round(rate * seconds);
  const latenciesMs = new Float64Array(total);
  const idle: Socket[] = [];
  const sockets: Socket[] = [];
  const dueMs = new Map<Socket, number>();
  let answered = 0;
  let failed = 0;
  let sent = 0;
  const done = Promise.withResolvers<undefined>();

  function hear(socket: Socket, isGood: boolean): void {
    if (isGood) latenciesMs[answered++] = performance.now() - (dueMs.get(socket) ?? NaN);
    else failed += 1;
    idle.push(socket);
    if (answered + failed >= total) done.resolve(undefined);
  }

  async function open(): Promise<void> {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const opened = Promise.withResolvers<undefined>();
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = answerBytes(rest);
      if (end === undefined) return;
      const isGood = rest.subarray(0, ANSWER_START.length).equals(ANSWER_START);
      rest = rest.subarray(end);
      hear(socket, isGood);
    });
    socket.on('connect', () => {
      opened.resolve(undefined);
    });
    socket.on('error', (error) => {
      opened.reject(error);
      done.reject(error);
    });
    await opened.promise;
    sockets.push(socket);
    idle.push(socket);
  }

  await Promise.all(Array.from({ length: connections }, open));
  const startMs = performance.now();
  const timer = setInterval(() => {
    while (sent < total && startMs + (1000 * sent) / rate <= performance.now()) {
      const socket = idle.pop();
      if (socket === undefined) return;
      dueMs.set(socket, startMs + (1000 * sent) / rate);
      socket.write(requests[sent++ % requests.length] ?? '');
    }
  }, 1);
  try {
    await done.promise;
  } finally {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  }
  const tookSeconds = (performance.now() - startMs) / 1000;
  return { answered, failed, seconds: tookSeconds, latenciesMs: latenciesMs.subarray(0, answered).sort() };
}

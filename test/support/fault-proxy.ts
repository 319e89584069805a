import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createPipe } from './fault-pipe.ts';
import type { LinkConditions, Pipe } from './fault-pipe.ts';

/** Which way nothing passes: `answers` is from the target to its clients. */
export type BlackHole = 'none' | 'requests' | 'answers' | 'both';

/** A TCP proxy on 127.0.0.1 that behaves like a bad network when it is told to. */
export interface FaultProxy {
  readonly port: number;
  /** Every byte takes so much longer, each way. */
  setLatencyMs(latencyMs: number): void;
  /** Connections stay open, new ones are accepted, and nothing passes. What was held passes afterwards, in order. */
  setBlackHole(blackHole: BlackHole): void;
  /** Bytes dribble: so many, and then a pause; undefined ends it. */
  setSlicing(slicing: { readonly bytes: number; readonly everyMs: number } | undefined): void;
  /** Cuts every connection with a TCP reset on both sides, what they held included, and returns how many there were. */
  resetAll(): number;
  /** Chunks that have had to wait so far, for whatever was set: tells whether a fault met anything. */
  held(): number;
  /** Bytes that have passed so far, both ways. */
  passed(): number;
  stop(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly target: Socket;
  readonly pipes: readonly Pipe[];
}

/** Returns a proxy to a port of 127.0.0.1 that passes everything at once until it is told otherwise. */
export async function startFaultProxy({
  target,
}: {
  readonly target: { readonly port: number };
}): Promise<FaultProxy> {
  const requests: LinkConditions = { latencyMs: 0, isBlackHole: false, slicing: undefined };
  const answers: LinkConditions = { ...requests };
  const links = new Set<Link>();
  let held = 0;
  let passed = 0;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ port: target.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const count = {
      held: () => (held += 1),
      passed: (bytes: number) => (passed += bytes),
    };
    const link: Link = {
      client,
      target: upstream,
      pipes: [createPipe(client, upstream, requests, count), createPipe(upstream, client, answers, count)],
    };
    links.add(link);
    const forget = (): void => {
      if (client.destroyed && upstream.destroyed) links.delete(link);
    };
    client.on('close', forget);
    upstream.on('close', forget);
  });

  function wake(): void {
    for (const { pipes } of links) for (const pipe of pipes) pipe.wake();
  }

  function resetAll(): number {
    const open = [...links];
    links.clear();
    for (const { client, target: upstream } of open) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
    return open.length;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    setLatencyMs(latencyMs) {
      requests.latencyMs = latencyMs;
      answers.latencyMs = latencyMs;
      wake();
    },
    setBlackHole(blackHole) {
      requests.isBlackHole = blackHole === 'both' || blackHole === 'requests';
      answers.isBlackHole = blackHole === 'both' || blackHole === 'answers';
      wake();
    },
    setSlicing(slicing) {
      requests.slicing = slicing;
      answers.slicing = slicing;
      wake();
    },
    resetAll,
    held: () => held,
    passed: () => passed,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      resetAll();
      await closed;
    },
  };
}

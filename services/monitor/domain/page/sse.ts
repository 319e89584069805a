/** What an idle connection is sent now and then, so that both ends notice when the other has gone. */
export const HEARTBEAT = ': alive\n\n';

/** How long a browser waits before it connects again, ms. */
const RETRY_MS = 2000;

/** One message of a stream of server-sent events. */
export interface SentEvent {
  /** What the client names in `Last-Event-ID` when it comes back. */
  readonly id: string;
  readonly event: 'snapshot' | 'delta';
  readonly data: unknown;
}

/** Returns a message as bytes of the stream. JSON has no line breaks, so that `data` is one line. */
export function frameOf({ id, event, data }: SentEvent): string {
  const retry = event === 'snapshot' ? `retry: ${String(RETRY_MS)}\n` : '';
  return `${retry}id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Returns the id of what was said at a tick of a process. */
export function eventIdOf(bootId: string, tick: number): string {
  return `${bootId}-${String(tick)}`;
}

/**
 * Returns the tick that an id names; undefined when it is none of this process: what a client has of another one says
 * nothing of what this one has measured.
 */
export function tickOf(id: string | undefined, bootId: string): number | undefined {
  const match = /^([a-z0-9]{1,32})-(\d{1,15})$/.exec(id ?? '');
  return match?.[1] === bootId ? Number(match[2]) : undefined;
}

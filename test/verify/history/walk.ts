import { createHash } from 'node:crypto';
import { chainFault, GENESIS_HASH } from '../../../shared/domain/version-chain.ts';
import type { ChainEnd } from '../../../shared/domain/version-chain.ts';
import type { ModelVersionEvent } from '../../../shared/domain/events.ts';
import { createCodec } from '../../../shared/events/codec.ts';
import type { KafkaClient } from '../../../shared/kafka/client.ts';
import { followTopic } from '../../../shared/kafka/topic-follower.ts';

/** What stands at an offset of model-versions.v1: an event, or why it cannot be read. */
export type LoggedEvent =
  | { readonly offset: number; readonly event: ModelVersionEvent }
  | { readonly offset: number; readonly unreadable: string };

/** A walk along the chain. */
export interface Walk {
  /** Events whose link held. */
  readonly events: number;
  /** The first link that did not, with its offset; null when the chain is whole. */
  readonly broken: string | null;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Returns all that model-versions.v1 has, in order. */
export async function readHistory(kafka: KafkaClient, schemaRegistryUrl: string): Promise<LoggedEvent[]> {
  const codec = createCodec(schemaRegistryUrl, Date.now);
  await codec.prepare(['model-versions.v1']);
  const logged: LoggedEvent[] = [];
  const ended = Promise.withResolvers<undefined>();
  const follower = await followTopic({
    topic: 'model-versions.v1',
    kafka,
    codec,
    onRecord: ({ source: { offset }, value }) => {
      logged.push(value === null ? { offset, unreadable: 'a tombstone' } : { offset, event: value });
    },
    onUndecodable: ({ offset }, reason) => {
      logged.push({ offset, unreadable: reason });
    },
    onFatal: ended.reject,
  });
  await Promise.race([follower.caughtUp, ended.promise]);
  await follower.stop();
  return logged;
}

/** Walks the hash chain of a history from its beginning and returns how far it holds. */
export function walkChain(logged: readonly LoggedEvent[]): Walk {
  let end: ChainEnd = { sequence: 0, hash: GENESIS_HASH };
  for (const [index, one] of logged.entries()) {
    const fault =
      'event' in one ? chainFault(end, one.event, sha256) : `it cannot be read: ${one.unreadable}`;
    if (fault !== undefined) return { events: index, broken: `offset ${String(one.offset)}: ${fault}` };
    if ('event' in one) end = one.event;
  }
  return { events: logged.length, broken: null };
}

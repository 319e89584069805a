import kafkajs from 'kafkajs';
import type { Consumer, Admin, Producer, ConsumerConfig, ProducerConfig } from 'kafkajs';
import { HeadraceError, messageOf } from '../errors.ts';
import type { SpareMemory } from '../domain/spare-memory.ts';
import type { Log } from '../observability/log.ts';
import type { ClusterInternals } from './cluster-internals.ts';
import { installFetchDecoding } from './fetch-decoding.ts';
import { installProduceEncoding } from './produce-encoding.ts';
import { installRequestPieces } from './request-pieces.ts';
import { installReconnectFix } from './reconnect-fix.ts';
import { leaveBehind, leaveGroup } from './leave-behind.ts';
import { installRequestQueueTimerFix } from './request-queue-timer.ts';
import { connectForAnswers, installWholeAnswers } from './whole-answers.ts';

const { Kafka, logLevel, Partitioners } = kafkajs; // CommonJS: Node finds only some of its names

/** One connection setting shared by everything a process does with Kafka. */
export interface KafkaOptions {
  /** Addresses of brokers, `host:port`. */
  readonly brokers: readonly string[];
  /** Name of this process in the broker's logs and in group descriptions. */
  readonly clientId: string;
  readonly log: Log;
  /**
   * Where large answers of brokers lie. Who follows topics by this client keeps nothing of a record's bytes, for the next answer is
   * read over them. Default: each has memory of its own.
   */
  readonly answers?: SpareMemory;
}

/** Makes kafkajs objects with our settings. Nothing connects until it is used. */
export interface KafkaClient {
  readonly log: Log;
  readonly clientId: string;
  readonly answers: SpareMemory | undefined;
  consumer(config: ConsumerConfig): Consumer;
  producer(config?: ProducerConfig): Producer;
  admin(): Admin;
  /** Returns kafkajs's internal view of the cluster, for the one thing its public interface cannot do. */
  openCluster(): ClusterInternals;
  /** Returns a client of the same brokers that goes by another name. */
  named(clientId: string): KafkaClient;
}

/** Requests are tried again inside kafkajs for about this many tries before our own loops see the failure. */
const REQUEST_RETRY = { initialRetryTime: 100, maxRetryTime: 1000, factor: 0.2, multiplier: 1.5, retries: 4 };

/** Returns the factory of every Kafka object in the process; installs the fixes of kafkajs. */
export function createKafkaClient({ brokers, clientId, log, answers }: KafkaOptions): KafkaClient {
  installRequestQueueTimerFix();
  installReconnectFix();
  installFetchDecoding();
  installProduceEncoding();
  installRequestPieces();
  installWholeAnswers();
  const kafka = new Kafka({
    brokers: [...brokers],
    clientId,
    socketFactory: connectForAnswers(answers),
    connectionTimeout: 3000,
    requestTimeout: 10_000,
    retry: REQUEST_RETRY,
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ log: entry, label }) => {
        const { message, ...rest } = entry;
        log.debug({ kafkajs: label, ...rest, timestamp: undefined, logger: undefined }, message);
      },
  });
  function openCluster(): ClusterInternals {
    const symbol = Object.getOwnPropertySymbols(kafka).find(
      ({ description }) => description === 'private:Kafka:createCluster',
    );
    const create = (kafka as unknown as Record<symbol, (options: object) => ClusterInternals>)[
      symbol ?? Symbol('absent')
    ];
    if (create === undefined) throw new TypeError('kafkajs has changed: its internal cluster cannot be made');
    return create({ allowAutoTopicCreation: false });
  }

  return {
    log,
    clientId,
    answers,
    openCluster,
    consumer(config) {
      const consumer = kafka.consumer(config);
      leaveBehind(consumer, {
        leave: (memberId) => leaveGroup(openCluster(), config.groupId, memberId),
        log,
      });
      return consumer;
    },
    producer: (config = {}) =>
      kafka.producer({
        createPartitioner: Partitioners.DefaultPartitioner,
        allowAutoTopicCreation: false,
        ...config,
      }),
    admin: () => kafka.admin(),
    named: (other) => createKafkaClient({ brokers, clientId: other, log }),
  };
}

/** Returns `error` as a HeadraceError: fencing is final, everything else that kafkajs reports may pass. */
export function kafkaError(doing: string, error: unknown): HeadraceError {
  if (error instanceof HeadraceError) return error;
  const message = messageOf(error);
  const isFenced = /fenced|INVALID_PRODUCER_EPOCH|PRODUCER_FENCED|INVALID_TXN_STATE/i.test(message);
  const isTooLarge = /MESSAGE_TOO_LARGE|larger than/i.test(message);
  return new HeadraceError(`${doing}: ${message}`, {
    code: isFenced ? 'kafka-fenced' : 'kafka-unavailable',
    retriable: !isFenced && !isTooLarge,
    cause: error,
  });
}

/** Returns Kafka's own name of a failure, such as `OFFSET_OUT_OF_RANGE`, or undefined when it has none. */
export function kafkaErrorType(error: unknown): string | undefined {
  const cause = error instanceof HeadraceError ? error.cause : error;
  return typeof cause === 'object' && cause !== null && 'type' in cause ? String(cause.type) : undefined;
}

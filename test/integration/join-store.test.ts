import { createRedisJoinStore } from '../../services/ingest/adapters/redis-join-store.ts';
import { useRedis } from '../contract/checkpoint/redis-server.ts';
import { joinStoreCases } from '../contract/join/join-store-cases.ts';

const server = useRedis();

joinStoreCases('redis', () => createRedisJoinStore(server.redis()));

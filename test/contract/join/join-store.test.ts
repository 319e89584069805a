import { joinStoreCases } from './join-store-cases.ts';
import { createMemoryJoinStore } from './memory-join-store.ts';

joinStoreCases('memory', createMemoryJoinStore);

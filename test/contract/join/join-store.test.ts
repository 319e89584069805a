import { joinStoreCases } from './join-store-cases.ts';
import { createMemoryJoinStores } from './memory-join-store.ts';

joinStoreCases('memory', createMemoryJoinStores);

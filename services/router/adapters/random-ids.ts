import { randomFillSync } from 'node:crypto';

const ID_BYTES = 15;
const POOL_IDS = 512;

/**
 * Returns a source of ids of 20 characters (A … Z, a … z, 0 … 9, - and _) with 120 random bits each. Random bytes are drawn
 * for 512 ids at a time: a draw costs far more than an id.
 */
export function createIdSource(): () => string {
  const pool = Buffer.alloc(ID_BYTES * POOL_IDS);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    at += ID_BYTES;
    return pool.toString('base64url', at - ID_BYTES, at);
  };
}

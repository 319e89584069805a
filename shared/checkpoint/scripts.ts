/* The three Lua scripts of the checkpoint protocol. KEYS[1] is the head (hash), KEYS[2] the pages (hash). Each runs
   atomically in Redis. Arguments stay far below the 8,000 at which Lua's unpack fails. */

/** ARGV: least epoch. Raises the epoch by one, at least to the least one, and returns it as text. */
export const RAISE_EPOCH = `
local epoch = math.max(tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0') + 1, tonumber(ARGV[1]))
local text = string.format('%.0f', epoch)
redis.call('HSET', KEYS[1], 'epoch', text)
return text`;

/** ARGV: epoch, then field and bytes of each page. Returns 1, or 0 when a later epoch owns the shard. */
export const WRITE_PAGES = `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1`;

/**
 * ARGV: epoch, expected position ('' for none), new position, manifest, its digest, the manifest it replaces, its
 * digest. Returns 1 when flipped, 2 when this very flip had already happened, 0 when refused.
 */
export const FLIP_MANIFEST = `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
if redis.call('HGET', KEYS[1], 'digest') == ARGV[5] then return 2 end
local position = redis.call('HGET', KEYS[1], 'position') or ''
if position ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'position', ARGV[3], 'manifest', ARGV[4], 'digest', ARGV[5],
  'previous', ARGV[6], 'previousDigest', ARGV[7])
return 1`;

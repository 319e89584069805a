/* The state machine of the join, one Lua script a transition. Every script is atomic and safe to repeat: each side keeps
   the source position of the record that set it, and the record that completed a pair is its winner for ever, so a
   redelivered winner gives the pair again and nobody else does. Only the owner of the partition changes anything: a script
   of anybody else, such as a killed process's that arrives late, fails and changes nothing.

   KEYS[1] owner of the partition (string); the last argument is the token that it must be
   KEYS[2] entry (hash): state open | early | labelled | defaulted | dropped; p payload, pp its source; l label, lp its
           source, lo observed at, ls its source name; w winner; d deadline
   KEYS[3] due (sorted set): entries that wait for a label, by deadline
   KEYS[4] gone (sorted set): finished or early entries, by the event time at which they can be forgotten
   KEYS[5] totals (hash): bytes held, watermarks */

/** How a script answers that somebody else owns the partition. */
export const FENCED = 'FENCED';

const OWNER_ONLY = `
if redis.call('GET', KEYS[1]) ~= ARGV[#ARGV] then return redis.error_reply('${FENCED} another process owns the partition') end`;

/**
 * KEYS: owner. ARGV: token, token that it must follow. Makes the token the owner's, and returns 1; 0 when somebody else has
 * become the owner. Safe to repeat.
 */
export const FOLLOW_TOKEN = `
local owner = redis.call('GET', KEYS[1])
if owner == ARGV[1] then return 1 end
if owner ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`;

/**
 * ARGV: source, predicted at, deadline, payload, id. Returns {outcome, payload, label, observedAt}: outcome `open`, `joined`
 * (also when repeated by the winner), `late` (an early label past the deadline was thrown away), `same` or `second`.
 */
export const PREDICTION = `${OWNER_ONLY}
local e = redis.call('HMGET', KEYS[2], 'pp', 'w', 'state', 'l', 'lo', 'p')
if e[1] then
  if e[1] ~= ARGV[1] then return {'second'} end
  if e[2] == ARGV[1] and e[3] == 'labelled' then return {'joined', ARGV[4], e[4], e[5]} end
  return {'same'}
end
redis.call('HINCRBY', KEYS[5], 'bytes', #ARGV[4])
if e[3] == 'early' then
  redis.call('ZREM', KEYS[4], ARGV[5])
  if tonumber(e[5]) <= tonumber(ARGV[3]) then
    redis.call('HSET', KEYS[2], 'state', 'labelled', 'pp', ARGV[1], 'p', ARGV[4], 'w', ARGV[1], 'd', ARGV[3])
    redis.call('ZADD', KEYS[4], ARGV[3], ARGV[5])
    return {'joined', ARGV[4], e[4], e[5]}
  end
  redis.call('HSET', KEYS[2], 'state', 'open', 'pp', ARGV[1], 'p', ARGV[4], 'd', ARGV[3])
  redis.call('ZADD', KEYS[3], ARGV[3], ARGV[5])
  return {'late'}
end
redis.call('HSET', KEYS[2], 'state', 'open', 'pp', ARGV[1], 'p', ARGV[4], 'd', ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[5])
return {'open'}`;

/**
 * ARGV: source, label, observed at, source name, when an early one can be forgotten, id. Returns {outcome, payload, label,
 * observedAt}: outcome `early`, `joined`, `late`, `second` or `same`.
 */
export const LABEL = `${OWNER_ONLY}
local e = redis.call('HMGET', KEYS[2], 'lp', 'w', 'state', 'l', 'lo', 'p', 'd')
if e[1] == ARGV[1] then
  if e[2] == ARGV[1] and e[3] == 'labelled' and e[6] then return {'joined', e[6], e[4], e[5]} end
  return {'same'}
end
if not e[3] then
  redis.call('HSET', KEYS[2], 'state', 'early', 'lp', ARGV[1], 'l', ARGV[2], 'lo', ARGV[3], 'ls', ARGV[4])
  redis.call('ZADD', KEYS[4], ARGV[5], ARGV[6])
  return {'early'}
end
if e[3] == 'open' then
  if tonumber(ARGV[3]) > tonumber(e[7]) then return {'late'} end
  redis.call('HSET', KEYS[2], 'state', 'labelled', 'lp', ARGV[1], 'l', ARGV[2], 'lo', ARGV[3], 'ls', ARGV[4], 'w', ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[6])
  redis.call('ZADD', KEYS[4], e[7], ARGV[6])
  return {'joined', e[6], ARGV[2], ARGV[3]}
end
if e[3] == 'defaulted' or e[3] == 'dropped' then return {'late'} end
return {'second'}`;

/** ARGV: state to set (defaulted or dropped), id. Returns the payload to emit, or false when the entry is not open. */
export const CLOSE_WINDOW = `${OWNER_ONLY}
local e = redis.call('HMGET', KEYS[2], 'state', 'p', 'd')
if e[1] == ARGV[1] then return e[2] end
if e[1] ~= 'open' then return false end
redis.call('HSET', KEYS[2], 'state', ARGV[1])
return e[2]`;

/** ARGV: id, whether it waited (1) in due. Frees the payload of a finished entry once what it emitted is acknowledged. */
export const FREE_PAYLOAD = `${OWNER_ONLY}
local size = redis.call('HSTRLEN', KEYS[2], 'p')
if size > 0 then
  redis.call('HDEL', KEYS[2], 'p')
  redis.call('HINCRBY', KEYS[5], 'bytes', -size)
end
if ARGV[2] == '1' then
  redis.call('ZREM', KEYS[3], ARGV[1])
  local d = redis.call('HGET', KEYS[2], 'd')
  if d then redis.call('ZADD', KEYS[4], d, ARGV[1]) end
end
return size`;

/** ARGV: id. Forgets an entry, with what is left of its payload. */
export const FORGET = `${OWNER_ONLY}
local size = redis.call('HSTRLEN', KEYS[2], 'p')
if size > 0 then redis.call('HINCRBY', KEYS[5], 'bytes', -size) end
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1`;

/**
 * KEYS: owner, positions, then the totals of each shard. ARGV: topic-partition, next offset, then for each shard the event
 * times consumed of predictions and of labels, and the watermark.
 */
export const SET_POSITION = `${OWNER_ONLY}
for i = 3, #KEYS do
  redis.call('HSET', KEYS[i], 'predictions', ARGV[3 * i - 6], 'labels', ARGV[3 * i - 5], 'watermark', ARGV[3 * i - 4])
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1`;

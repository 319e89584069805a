/* The state machine of the join, one Lua script a transition. Every script is atomic and safe to repeat: each side keeps
   the source position of the record that set it, and the record that completed a pair is its winner for ever, so a
   redelivered winner gives the pair again and nobody else does.

   KEYS[1] entry (hash): state open | early | labelled | defaulted | dropped; p payload, pp its source; l label, lp its
           source, lo observed at, ls its source name; w winner; d deadline
   KEYS[2] due (sorted set): entries that wait for a label, by deadline
   KEYS[3] gone (sorted set): finished or early entries, by the event time at which they can be forgotten
   KEYS[4] totals (hash): bytes held, watermarks */

/**
 * ARGV: source, predicted at, deadline, payload, id. Returns {outcome, payload, label, observedAt}: outcome `open`, `joined`
 * (also when repeated by the winner), `late` (an early label past the deadline was thrown away), `same` or `second`.
 */
export const PREDICTION = `
local e = redis.call('HMGET', KEYS[1], 'pp', 'w', 'state', 'l', 'lo', 'p')
if e[1] then
  if e[1] ~= ARGV[1] then return {'second'} end
  if e[2] == ARGV[1] and e[3] == 'labelled' then return {'joined', ARGV[4], e[4], e[5]} end
  return {'same'}
end
redis.call('HINCRBY', KEYS[4], 'bytes', #ARGV[4])
if e[3] == 'early' then
  redis.call('ZREM', KEYS[3], ARGV[5])
  if tonumber(e[5]) <= tonumber(ARGV[3]) then
    redis.call('HSET', KEYS[1], 'state', 'labelled', 'pp', ARGV[1], 'p', ARGV[4], 'w', ARGV[1], 'd', ARGV[3])
    redis.call('ZADD', KEYS[3], ARGV[3], ARGV[5])
    return {'joined', ARGV[4], e[4], e[5]}
  end
  redis.call('HSET', KEYS[1], 'state', 'open', 'pp', ARGV[1], 'p', ARGV[4], 'd', ARGV[3])
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[5])
  return {'late'}
end
redis.call('HSET', KEYS[1], 'state', 'open', 'pp', ARGV[1], 'p', ARGV[4], 'd', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[5])
return {'open'}`;

/**
 * ARGV: source, label, observed at, source name, when an early one can be forgotten, id. Returns {outcome, payload, label,
 * observedAt}: outcome `early`, `joined`, `late`, `second` or `same`.
 */
export const LABEL = `
local e = redis.call('HMGET', KEYS[1], 'lp', 'w', 'state', 'l', 'lo', 'p', 'd')
if e[1] == ARGV[1] then
  if e[2] == ARGV[1] and e[3] == 'labelled' and e[6] then return {'joined', e[6], e[4], e[5]} end
  return {'same'}
end
if not e[3] then
  redis.call('HSET', KEYS[1], 'state', 'early', 'lp', ARGV[1], 'l', ARGV[2], 'lo', ARGV[3], 'ls', ARGV[4])
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[6])
  return {'early'}
end
if e[3] == 'open' then
  if tonumber(ARGV[3]) > tonumber(e[7]) then return {'late'} end
  redis.call('HSET', KEYS[1], 'state', 'labelled', 'lp', ARGV[1], 'l', ARGV[2], 'lo', ARGV[3], 'ls', ARGV[4], 'w', ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[6])
  redis.call('ZADD', KEYS[3], e[7], ARGV[6])
  return {'joined', e[6], ARGV[2], ARGV[3]}
end
if e[3] == 'defaulted' or e[3] == 'dropped' then return {'late'} end
return {'second'}`;

/** ARGV: state to set (defaulted or dropped), id. Returns the payload to emit, or false when the entry is not open. */
export const CLOSE_WINDOW = `
local e = redis.call('HMGET', KEYS[1], 'state', 'p', 'd')
if e[1] == ARGV[1] then return e[2] end
if e[1] ~= 'open' then return false end
redis.call('HSET', KEYS[1], 'state', ARGV[1])
return e[2]`;

/** ARGV: id, whether it waited (1) in due. Frees the payload of a finished entry once what it emitted is acknowledged. */
export const FREE_PAYLOAD = `
local size = redis.call('HSTRLEN', KEYS[1], 'p')
if size > 0 then
  redis.call('HDEL', KEYS[1], 'p')
  redis.call('HINCRBY', KEYS[4], 'bytes', -size)
end
if ARGV[2] == '1' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  local d = redis.call('HGET', KEYS[1], 'd')
  if d then redis.call('ZADD', KEYS[3], d, ARGV[1]) end
end
return size`;

/**
 * What has to happen in Redis as one step. Every write of a script is one that an operator may die after: each leaves
 * a state that the next operator goes on from.
 */

/**
 * Tasks of a topic are in two streams, and Redis gives ids within one: a task that comes in the same millisecond as one on
 * the other side of a switch would get the same id. `free_id` is the id for the next entry of `own`: as Redis would give it,
 * unless `other` has come as far as that.
 */
const FREE_ID = `
local function last_id(key)
  if redis.call('EXISTS', key) == 0 then return 0, 0 end
  local told = redis.call('XINFO', 'STREAM', key)
  for at = 1, #told, 2 do
    if told[at] == 'last-generated-id' then
      local ms, seq = string.match(told[at + 1], '(%d+)-(%d+)')
      return tonumber(ms), tonumber(seq)
    end
  end
  return 0, 0
end
local function free_id(own, other)
  local ms, seq = last_id(other)
  local now = redis.call('TIME')
  if ms < now[1] * 1000 + math.floor(now[2] / 1000) or ms > 2 ^ 53 then return '*' end
  local own_ms, own_seq = last_id(own)
  if own_ms > ms or (own_ms == ms and own_seq > seq) then return '*' end
  return string.format('%.0f-%.0f', ms, seq + 1)
end`

/**
 * A task for the old workers. The first one of a topic finds no stream: the workers' group is made at its start first,
 * so that workers that come later see it.
 * KEYS tasks, calls; ARGV length, group, json
 */
export const ADD_TASK = `${FREE_ID}
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[2], '$', 'MKSTREAM') end
return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], free_id(KEYS[1], KEYS[2]), 'json', ARGV[3])`

/**
 * A task that operators call a service with. false: as many wait already as may.
 * KEYS calls, topics, tasks; ARGV length, topic, json, plan
 */
export const ADD_CALL = `${FREE_ID}
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end
redis.call('SADD', KEYS[2], ARGV[2])
return redis.call('XADD', KEYS[1], free_id(KEYS[1], KEYS[3]), 'json', ARGV[3], 'plan', ARGV[4])`

/**
 * What became of a call. Only who takes the task out of the group writes it: an answer is never there twice. The entry
 * has the task's id where nothing newer is in the stream yet, else the next one.
 * KEYS calls, results or dead; ARGV group, id, length, json
 */
export const FINISH_CALL = `
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return false end
redis.call('XDEL', KEYS[1], ARGV[2])
local added = redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], ARGV[2], 'json', ARGV[4])
if type(added) == 'table' and added.err then
  added = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'json', ARGV[4])
end
return added`

/**
 * Takes one entry out of the dead letters, if it is still there: two replays at once start a task once.
 * KEYS dead, calls, topics, tasks or dead, tasks, calls; ARGV id, length, json, and for calls topic, plan, for tasks group
 */
export const REPLAY_AS_CALL = `${FREE_ID}
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return false end
redis.call('SADD', KEYS[3], ARGV[4])
return redis.call('XADD', KEYS[2], free_id(KEYS[2], KEYS[4]), 'json', ARGV[3], 'plan', ARGV[5])`

export const REPLAY_AS_TASK = `${FREE_ID}
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return false end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[4], '$', 'MKSTREAM') end
return redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], free_id(KEYS[2], KEYS[3]), 'json', ARGV[3])`

-- Takes up to `want` turns with a server, or says why there is none and for how long. All times are microseconds.
-- KEYS: state, leases, log, index.
-- ARGV: now ('' = the server's own clock), server, lease id, want, interval, in flight, lease, slowest interval,
--       half-life of a slow-down, seconds to keep the state, windows as text, then limit and span of each window.
-- Returns: word, turns, wait, now, detail.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function whole(number) return string.format('%.0f', number) end
local state, leases, log = KEYS[1], KEYS[2], KEYS[3]
local want, base, most, lease = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local slowest, half_life = tonumber(ARGV[8]), tonumber(ARGV[9])
local held = redis.call('HMGET', state, 'closed_until', 'open_until', 'probe_until', 'next', 'slow', 'slowed_at', 'failures')

local function answer(word, wait, detail)
  return {word, 0, whole(math.max(wait, 0)), whole(now), detail or ''}
end

local closed = tonumber(held[1]) or 0
if closed > now then return answer('paused', closed - now) end

local open = tonumber(held[2])
if open then
  local again = math.max(open, tonumber(held[3]) or 0)
  if again > now then return answer('open', again - now, held[7] or '') end
  want = 1
end

for i = 12, #ARGV, 2 do
  local limit, span = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local used = redis.call('ZCOUNT', log, '(' .. whole(now - span), '+inf')
  if used >= limit then
    local oldest = redis.call('ZREVRANGE', log, limit - 1, limit - 1, 'WITHSCORES')
    return answer('spent', tonumber(oldest[2]) + span - now, ARGV[i])
  end
  want = math.min(want, limit - used)
end

redis.call('ZREMRANGEBYSCORE', leases, '-inf', whole(now))
local taken = 0
for _, member in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
  taken = taken + tonumber(string.match(member, ':(%d+)$'))
end
want = math.min(want, most - taken)
if want <= 0 then return answer('busy', 0) end

local slow = tonumber(held[5]) or 1
if slow > 1 then slow = math.max(1, slow * 0.5 ^ ((now - tonumber(held[6])) / half_life)) end
local interval = math.max(base, math.min(base * slow, slowest))
local next_at = tonumber(held[4]) or 0
-- Further ahead than any turn can be: the clock was set back.
if next_at - now > math.max(slowest, base) then next_at = now end
if next_at > now then return answer('wait', next_at - now) end

local id = ARGV[3] .. ':' .. want
redis.call('ZADD', leases, whole(now + lease), id)
redis.call('PEXPIRE', leases, whole(lease / 1000 + 1000))
local longest = 0
for i = 12, #ARGV, 2 do longest = math.max(longest, tonumber(ARGV[i + 1])) end
if longest > 0 then
  for turn = 1, want do redis.call('ZADD', log, whole(now), id .. ':' .. turn) end
  redis.call('ZREMRANGEBYSCORE', log, '-inf', whole(now - longest))
  redis.call('PEXPIRE', log, whole(longest / 1000 + 1000))
end
redis.call('HSET', state, 'next', whole(now + want * interval), 'interval', whole(base), 'windows', ARGV[11])
if open then redis.call('HSET', state, 'probe', id, 'probe_until', whole(now + lease)) end
redis.call('EXPIRE', state, ARGV[10])
redis.call('ZADD', KEYS[4], whole(now), ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', whole(now - tonumber(ARGV[10]) * 1000000))
return {'go', want, '0', whole(now), id}

-- Tells how requests of a lease went, and gives its places back when all have ended. All times are microseconds.
-- KEYS: state, leases.
-- ARGV: now ('' = the server's own clock), lease id, ended ('1' gives the places back), answered ('1': one of them
--       was), outcome (ok, failed, throttled, none), kind of failure, start of the request, pause,
--       failures that open the breaker, time it stays open, longest such time, slowest interval, half-life, keep.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function whole(number) return string.format('%.0f', number) end
local state, id, outcome = KEYS[1], ARGV[2], ARGV[5]
if ARGV[3] == '1' then redis.call('ZREM', KEYS[2], id) end

local held = redis.call('HMGET', state, 'probe', 'open_until', 'trips', 'slow', 'slowed_at', 'closed_until', 'interval')
local is_probe = held[1] == id
if ARGV[4] == '1' or outcome == 'throttled' then
  -- Whoever answers, be it to slow us down, is there.
  redis.call('HSET', state, 'failures', '0', 'last_ok', whole(now))
  redis.call('HDEL', state, 'open_until', 'probe', 'probe_until', 'trips')
elseif is_probe and outcome == 'none' then
  redis.call('HDEL', state, 'probe', 'probe_until')
end

if outcome == 'failed' then
  local failures = redis.call('HINCRBY', state, 'failures', 1)
  redis.call('HSET', state, 'last_failed', whole(now), 'kind', ARGV[6])
  local trips = tonumber(held[3]) or 0
  local closed = ARGV[4] == '1' or not held[2]
  -- While it is open only its probe counts: the others were on their way before.
  if (closed and failures >= tonumber(ARGV[9])) or (not closed and is_probe) then
    local pause = math.min(tonumber(ARGV[10]) * 2 ^ trips, tonumber(ARGV[11]))
    redis.call('HSET', state, 'open_until', whole(now + pause), 'trips', whole(math.min(trips + 1, 30)))
    redis.call('HDEL', state, 'probe', 'probe_until')
  end
elseif outcome == 'throttled' then
  redis.call('HSET', state, 'closed_until', whole(math.max(tonumber(held[6]) or 0, now + tonumber(ARGV[8]))))
  redis.call('HSET', state, 'last_failed', whole(now), 'kind', ARGV[6])
  local slow, slowed_at = tonumber(held[4]) or 1, tonumber(held[5]) or 0
  -- A request that began before the last halving belongs to the same burst.
  if tonumber(ARGV[7]) >= slowed_at then
    slow = math.max(1, slow * 0.5 ^ ((now - slowed_at) / tonumber(ARGV[13])))
    local most = math.max(1, tonumber(ARGV[12]) / (tonumber(held[7]) or tonumber(ARGV[12])))
    redis.call('HSET', state, 'slow', string.format('%.6f', math.min(slow * 2, most)), 'slowed_at', whole(now))
  end
end
redis.call('EXPIRE', state, ARGV[14])
return 1

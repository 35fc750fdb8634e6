-- lease, micros, now_us -> how much of the open lease's remainder was returned
local lease, micros, now_us = args[1], args[2], args[3]
if not redis.call('ZSCORE', P .. 'ends', lease) then
  return '0'
end
local back = math.max(0, math.min(micros, get('remainders', lease)))
if back > 0 then
  local about = cmsgpack.unpack(redis.call('HGET', P .. 'leases', lease))
  move(now_us, lease, about[1], about[2], about[3], -back)
  flush()
end
return text(back)

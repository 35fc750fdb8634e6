-- now_us, most -> lease and campaign of those that were open and whose time is over; closed, their remainder returned
local answer = {}
for _, word in ipairs(redis.call('ZRANGEBYSCORE', P .. 'ends', '-inf', text(args[1]), 'LIMIT', 0, args[2])) do
  local lease = tonumber(word)
  local about = cmsgpack.unpack(redis.call('HGET', P .. 'leases', lease))
  local remainder = get('remainders', lease)
  if remainder > 0 then
    move(args[1], lease, about[1], about[2], about[3], -remainder)
  end
  redis.call('ZREM', P .. 'ends', lease)
  redis.call('HDEL', P .. 'open', about[4] .. ' ' .. about[3] .. ' ' .. about[2])
  answer[#answer + 1] = word
  answer[#answer + 1] = about[2]
end
flush()
return answer

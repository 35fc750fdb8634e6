-- epoch, campaign, least, share, expires_us, now_us, day, rules expected
-- -> lease, granted, expires_us and what is left; {} where the rules are others; {epoch} of who replaced the owner
local epoch, campaign, wanted, share, expires_us, now_us, day, rules =
  args[1], args[2], args[3], args[4], args[5], args[6], args[7], args[8]
local terms = terms_of(campaign)
if terms.rules ~= rules then
  return {}
end
local owner = redis.call('HGET', P .. 'epochs', epoch)
local newest = owner and tonumber(redis.call('HGET', P .. 'owners', owner)) or epoch
if newest > epoch then
  return {text(newest)}
end
local in_day, in_total, in_wallet = left_of(campaign, terms, day)
local free = least(least(in_day, in_total), in_wallet)
local micros = wanted
if free then
  free = math.max(0, free)
  micros = math.min(free, math.max(wanted, math.floor(free / share)))
end
micros = math.min(micros, room_of(campaign, terms.advertiser))
local place = epoch .. ' ' .. day .. ' ' .. campaign
local lease = tonumber(redis.call('HGET', P .. 'open', place) or '0')
if lease ~= 0 then
  local about = cmsgpack.unpack(redis.call('HGET', P .. 'leases', lease))
  if about[1] ~= terms.advertiser then -- the campaign was sold: its old lease ends by itself
    about[4] = -lease
    redis.call('HSET', P .. 'leases', lease, cmsgpack.pack(about))
    redis.call('HDEL', P .. 'open', place)
    lease = 0
  else
    expires_us = math.max(expires_us, tonumber(redis.call('ZSCORE', P .. 'ends', lease)))
    if about[5] ~= terms.fee_bp then
      about[5] = terms.fee_bp
      redis.call('HSET', P .. 'leases', lease, cmsgpack.pack(about))
    end
  end
end
if lease == 0 and micros > 0 then
  lease = redis.call('INCR', P .. 'lease')
  redis.call('HSET', P .. 'leases', lease, cmsgpack.pack({terms.advertiser, campaign, day, epoch, terms.fee_bp}))
  redis.call('HSET', P .. 'open', place, lease)
end
if lease ~= 0 then
  redis.call('ZADD', P .. 'ends', text(expires_us), lease)
  redis.call('HSET', P .. 'expiries', lease, text(expires_us))
end
if micros > 0 then
  move(now_us, lease, terms.advertiser, campaign, day, micros)
end
local left = shown(left_of(campaign, terms, day))
flush()
return {text(lease), text(micros), text(expires_us), left[1], left[2], left[3]}

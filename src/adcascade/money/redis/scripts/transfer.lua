-- id, kind, advertiser, micros, time_us, day, note, by, rules expected
-- -> {'accepted'} or {'duplicate'}; {} where the rules are others; {'short', most} where the money is not there
local id, kind, advertiser, micros, time_us, day, note, by =
  args[1], args[2], args[3], args[4], args[5], args[6], args[7], args[8]
if redis.call('HEXISTS', P .. 'transfers', id) == 1 then
  return {'duplicate'}
end
if (redis.call('HGET', P .. 'rules', advertiser) or '') ~= args[9] then
  return {}
end
local wallet = get('wallets', advertiser)
local out = kind == 'payout'
local most = math.max(0, out and wallet or MOST - math.max(0, wallet))
if micros > most then
  return {'short', text(most)}
end
book(time_us, kind, advertiser, '', day, out and 'wallet:' .. advertiser or 'outside',
  out and 'outside' or 'wallet:' .. advertiser, micros, 0, 'transfer', id, 'note', note, 'by', by)
add('wallets', advertiser, out and -micros or micros)
redis.call('HSET', P .. 'transfers', id, text(micros))
flush()
return {'accepted'}

-- id, advertiser, bid, refunded before, micros, fee in them, time_us, day, note, by, rules expected, campaign, lease
-- -> {'accepted'} or {'duplicate'}; {} where something is not as expected: read it and come again
local id, advertiser, bid, before, micros, fee, time_us, day, note, by =
  args[1], args[2], args[3], args[4], args[5], args[6], args[7], args[8], args[9], args[10]
if redis.call('HEXISTS', P .. 'transfers', id) == 1 then
  return {'duplicate'}
end
if (redis.call('HGET', P .. 'rules', advertiser) or '') ~= args[11] or get('refunds', bid) ~= before then
  return {}
end
local campaign, lease, wallet = args[12], args[13], 'wallet:' .. advertiser
for _, part in ipairs({{'revenue', micros - fee}, {'fee', fee}}) do
  if part[2] > 0 then
    book(time_us, 'refund', advertiser, campaign, day, part[1], wallet, part[2], lease,
      'bid', bid, 'transfer', id, 'note', note, 'by', by)
  end
end
add('refunds', bid, micros)
add('refunded', day .. ' ' .. campaign, micros)
add('fee_refunded', day .. ' ' .. campaign, fee)
add('wallets', advertiser, micros)
redis.call('HSET', P .. 'transfers', id, text(micros))
flush()
return {'accepted'}

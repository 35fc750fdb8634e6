-- now_us, rules {advertiser, rules expected, rules to be, prepaid}, terms {campaign, terms, day}
-- -> what each campaign is left; an empty answer where the rules are others than expected: read them and come again
for _, rule in ipairs(args[2]) do
  if (redis.call('HGET', P .. 'rules', rule[1]) or '') ~= rule[2] then
    return {}
  end
end
for _, rule in ipairs(args[2]) do
  if rule[2] ~= rule[3] then
    redis.call('HSET', P .. 'rules', rule[1], rule[3])
    redis.call(rule[4] and 'SADD' or 'SREM', P .. 'prepaid', rule[1])
    redis.call('RPUSH', P .. 'rules:log', cmsgpack.pack({rule[1], args[1], number, rule[3]}))
  end
end
local answer = {}
for place, row in ipairs(args[3]) do
  if redis.call('HGET', P .. 'terms', row[1]) ~= row[2] then
    redis.call('HSET', P .. 'terms', row[1], row[2])
    redis.call('RPUSH', P .. 'terms:log', cmsgpack.pack({row[1], args[1], number, row[2]}))
  end
  answer[place] = shown(left_of(row[1], terms_of(row[1]), row[3]))
end
return answer

-- What all scripts share. KEYS[1]: the prefix of every key; ARGV[1]: msgpack of the arguments.
--
-- Numbers of Lua are doubles, exact up to 2^53 - 1. Every number that a script compares or adds is kept below; sums
-- move by HINCRBY, which is exact. A number that becomes text must be formatted: `..` keeps fourteen digits.
local P = KEYS[1] .. ':'
local args = cmsgpack.unpack(ARGV[1])
local MOST = 9007199254740991

local function text(number)
  return string.format('%.0f', number)
end

-- Sums: read once, moved in memory, written at the end, so that a script that refuses has changed nothing.
local kept, moved = {}, {}

local function get(hash, field)
  local fields = kept[hash]
  if not fields then
    fields = {}
    kept[hash] = fields
  end
  local value = fields[field]
  if not value then
    value = tonumber(redis.call('HGET', P .. hash, field) or '0')
    fields[field] = value
  end
  return value
end

local function add(hash, field, micros)
  kept[hash] = kept[hash] or {}
  if kept[hash][field] then
    kept[hash][field] = kept[hash][field] + micros
  end
  local fields = moved[hash]
  if not fields then
    fields = {}
    moved[hash] = fields
  end
  fields[field] = (fields[field] or 0) + micros
end

local number = tonumber(redis.call('GET', P .. 'number') or '0')
local first = number

-- Append a booking of `micros` > 0 (see tables.py of the ledger); its number. The rest: pairs of name and value.
local function book(time_us, kind, advertiser, campaign, day, source, target, micros, lease, ...)
  number = number + 1
  redis.call('XADD', P .. 'bookings', text(number) .. '-0', 'time', text(time_us), 'kind', kind,
    'advertiser', advertiser, 'campaign', campaign, 'day', day, 'source', source, 'target', target,
    'micros', text(micros), 'lease', lease, ...)
  return number
end

local function flush()
  if number ~= first then
    redis.call('SET', P .. 'number', text(number))
  end
  for hash, fields in pairs(moved) do
    for field, micros in pairs(fields) do
      if micros ~= 0 then
        redis.call('HINCRBY', P .. hash, field, text(micros))
      end
    end
  end
end

local function terms_of(campaign)
  local stored = redis.call('HGET', P .. 'terms', campaign)
  if not stored then
    return {advertiser = '', fee_bp = 0, rules = redis.call('HGET', P .. 'rules', '') or ''}
  end
  local row = cjson.decode(stored)
  return {daily = row[1] ~= cjson.null and row[1] or nil, total = row[2] ~= cjson.null and row[2] or nil,
    advertiser = row[3], fee_bp = row[4],
    rules = redis.call('HGET', P .. 'rules', row[3]) or ''}
end

local function is_prepaid(advertiser)
  return redis.call('SISMEMBER', P .. 'prepaid', advertiser) == 1
end

-- What the terms still allow on a day: of the day, in total, in the wallet; nil where there is no limit.
local function left_of(campaign, terms, day)
  local in_day, in_total, in_wallet
  if terms.daily then
    in_day = terms.daily - get('leased', day .. ' ' .. campaign) - get('charged', day .. ' ' .. campaign)
  end
  if terms.total then
    in_total = terms.total - get('used', campaign)
  end
  if is_prepaid(terms.advertiser) then
    in_wallet = get('wallets', terms.advertiser)
  end
  return in_day, in_total, in_wallet
end

local function least(a, b)
  if a == nil then
    return b
  end
  return b and math.min(a, b) or a
end

-- How much the sums can still take up without leaving the exact numbers.
local function room_of(campaign, advertiser)
  return math.max(0, math.min(MOST - get('used', campaign), MOST + get('wallets', advertiser)))
end

local function shown(in_day, in_total, in_wallet)
  return {in_day and text(in_day) or '', in_total and text(in_total) or '', in_wallet and text(in_wallet) or ''}
end

-- Move micros from the wallet into the lease, or back where negative.
local function move(time_us, lease, advertiser, campaign, day, micros)
  local wallet = 'wallet:' .. advertiser
  if micros > 0 then
    book(time_us, 'lease', advertiser, campaign, day, wallet, 'lease', micros, lease)
  else
    book(time_us, 'release', advertiser, campaign, day, 'lease', wallet, -micros, lease)
  end
  add('remainders', lease, micros)
  add('leased', day .. ' ' .. campaign, micros)
  add('used', campaign, micros)
  add('wallets', advertiser, -micros)
end

-- charges {bid, campaign, lease, price, expires_us, now_us, event, day, rules expected} in their order
-- -> for each what was charged, or a word below zero (see orders.py); the last two only where there is no lease
local ALREADY, EXPIRED, NO_LEASE, CLOSED, USED_UP, BUDGET, STALE = -1, -2, -3, -4, -5, -6, -7
local leases = {}

local function lease_of(id)
  local lease = leases[id]
  if lease == nil then
    local stored = redis.call('HGET', P .. 'leases', id)
    lease = false
    if stored then
      local about = cmsgpack.unpack(stored)
      lease = {advertiser = about[1], campaign = about[2], day = about[3], fee_bp = about[5],
        open = redis.call('ZSCORE', P .. 'ends', id) and true or false}
    end
    leases[id] = lease
  end
  return lease
end

-- What the same event was answered before, or that another charged this bid.
local function before(at, bid, event)
  local rows = redis.call('XRANGE', P .. 'bookings', at .. '-0', text(tonumber(at) + 1) .. '-0')
  local micros = 0
  for _, row in ipairs(rows) do
    local fields = {}
    for place = 1, #row[2], 2 do
      fields[row[2][place]] = row[2][place + 1]
    end
    if fields.bid == bid and (fields.kind == 'charge' or fields.kind == 'fee') then
      if event == '' or fields.event ~= event then
        return ALREADY
      end
      micros = micros + tonumber(fields.micros)
    end
  end
  return micros
end

local function decide(charge)
  local bid, campaign, id, price, now_us, event = charge[1], charge[2], charge[3], charge[4], charge[6], charge[7]
  if price == 0 then
    return 0
  end
  local at = redis.call('HGET', P .. 'bids', bid)
  if at then
    return before(at, bid, event)
  end
  if now_us >= charge[5] then
    return EXPIRED
  end
  local advertiser, day, fee_bp, source
  if id ~= 0 then
    local lease = lease_of(id)
    if not lease or lease.campaign ~= campaign then
      return NO_LEASE
    end
    if not lease.open then
      return CLOSED
    end
    if get('remainders', id) < price then
      return USED_UP
    end
    advertiser, day, fee_bp, source = lease.advertiser, lease.day, lease.fee_bp, 'lease'
    add('remainders', id, -price)
    add('leased', day .. ' ' .. campaign, -price)
  else
    local terms = terms_of(campaign)
    if terms.rules ~= charge[9] then
      return STALE
    end
    advertiser, day, fee_bp, source = terms.advertiser, charge[8], terms.fee_bp, 'wallet:' .. terms.advertiser
    local in_day, in_total, in_wallet = left_of(campaign, terms, day)
    if (least(least(in_day, in_total), in_wallet) or price) < price or room_of(campaign, advertiser) < price then
      return BUDGET
    end
    add('used', campaign, price)
    add('wallets', advertiser, -price)
  end
  local fee = math.floor(price / 10000) * fee_bp + math.floor(price % 10000 * fee_bp / 10000)
  add('charged', day .. ' ' .. campaign, price)
  add('fee', day .. ' ' .. campaign, fee)
  local booked
  if fee < price then
    booked = book(now_us, 'charge', advertiser, campaign, day, source, 'revenue', price - fee, id,
      'bid', bid, 'event', event)
  end
  if fee > 0 then
    local number_of_fee = book(now_us, 'fee', advertiser, campaign, day, source, 'fee', fee, id,
      'bid', bid, 'event', event)
    booked = booked or number_of_fee
  end
  redis.call('HSET', P .. 'bids', bid, text(booked))
  return price
end

local answer = {}
for place, charge in ipairs(args) do
  answer[place] = decide(charge)
end
flush()
return answer

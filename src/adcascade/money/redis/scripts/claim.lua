-- name, now_us -> a new epoch of the owner
local epoch = redis.call('INCR', P .. 'epoch')
redis.call('HSET', P .. 'epochs', epoch, args[1])
redis.call('HSET', P .. 'owners', args[1], epoch)
redis.call('HSET', P .. 'since', epoch, text(args[2]))
return epoch

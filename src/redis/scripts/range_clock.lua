-- range_clock: part of other scripts, the first: the server's clock, read once. No key is touched.
local time = redis.call('TIME')
local wall = time[1] * 1000000 + time[2]  -- µs

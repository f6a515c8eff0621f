-- renew_share: the rest of renew: with several holders.
return keep_share(ARGV[1], ARGV[2])

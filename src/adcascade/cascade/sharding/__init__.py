"""Sharding: the catalog's ads divided among processes, each of which narrows its own; a front merges what they found.

share.py     which ads are a shard's own
messages.py  what a front and a shard say to each other
standing.py  what a front has told a shard of pacing and money
shard.py     a shard: retrieval to calibration over its own ads
merge.py     what the shards found, in the order of the cascade that has all ads
fan.py       what the service asks of whoever carries questions to the shards (server/sharding)
"""

"""Between fronts and shards: TCP lines that carry the messages of cascade/sharding/messages.py.

frames.py    a message as a frame of bytes, and the proof of the shared secret that begins a line
line.py      one connection of a front
fan.py       a front's lines to all shards: asking, waiting, connecting again
listener.py  a shard's side, and its process
"""

"""Shadow serving: a second bundle answers a share of the requests again, unseen, and is judged by the same clicks.

order.py     which bundle shadows, on which share, by whose wish; and why it ended by itself
watch.py     the second engine of a process: which requests wait for it, and when it is given up
again.py     one request through the second engine: what it predicts of what was shown, and what it would have shown
record.py    what is kept of that
store.py     where it is kept, beside the log
compare.py   both bundles on the same impressions, by what shoppers did
"""

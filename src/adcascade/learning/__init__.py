"""Learning: the one training loop, the export of two graphs, and the torch-free Scorer that runs them.

Import from the files: `learning.loop`, `learning.model` and `learning.export` import torch,
`learning.scorer` does not.
"""

"""Training by several processes, on one machine or many: the same loss, model and table as by one.

    world.py       who takes part, and the three ways in which processes speak to each other
    sharded.py     the table of embeddings, its rows spread over the processes
    sampling.py    the one global order of the samples, and which of them are whose; a position in it
    turns.py       blocks of samples -> this process's part of every batch
    step.py        one step of all processes together
    fit.py         the loop
    checkpoint.py  what a loop goes on from, with as many processes or with others
    launch.py      processes by torchrun's machinery; on_ray.py by Ray, in a cluster.py

Import from the files: all but `sampling` and `cluster` import torch.
"""

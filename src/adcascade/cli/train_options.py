"""Options of `adcascade train` that say who trains together."""

from enum import StrEnum
from typing import Annotated

import typer


class Launcher(StrEnum):
    """Who starts the processes of a training."""

    TORCHRUN = "torchrun"
    RAY = "ray"


Workers = Annotated[int, typer.Option(help="Processes that train the ranker together, on each machine.")]
Nodes = Annotated[int, typer.Option(help="Machines that train together; all see the folder of --dir.")]
NodeRank = Annotated[int, typer.Option("--node-rank", help="Which machine this is; 0 writes the bundle.")]
Rendezvous = Annotated[str, typer.Option(help="HOST:PORT of machine 0, where machines meet.", metavar="HOST:PORT")]
Restarts = Annotated[int, typer.Option(help="How often processes are started again after one has died.")]
On = Annotated[Launcher, typer.Option("--on", help="Who starts the processes: torchrun, here; or ray, in its cluster.")]
CheckpointEvery = Annotated[
    int, typer.Option("--checkpoint-every", help="Steps between checkpoints; 0: none.", metavar="STEPS", min=0)
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the training that was interrupted, with any number of workers.")
]

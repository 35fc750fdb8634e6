"""What the options of `adcascade train` ask for: nobody, a team of torchrun's, or one of Ray's. Imports torch."""

from dataclasses import dataclass
from pathlib import Path

from adcascade.cascade.together import Together, assist, by_ray, by_torchrun
from adcascade.cli.train_options import Launcher
from adcascade.errors import InputError
from adcascade.learning.distributed.launch import Team


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options, as given."""

    directory: Path
    workers: int
    nodes: int
    node_rank: int
    rendezvous: str
    restarts: int
    on: Launcher
    checkpoint_every: int
    resume: bool

    def team(self) -> Team:
        """InputError where it cannot be."""
        return Team(
            workers=self.workers,
            nodes=self.nodes,
            node_rank=self.node_rank,
            rendezvous=self.rendezvous,
            restarts=self.restarts,
        )

    def together(self) -> Together | None:
        """None: this process trains alone."""
        team = self.team()
        if self.on is Launcher.RAY:
            if team.nodes > 1 or team.rendezvous:
                raise InputError(
                    "--nodes",
                    team.nodes,
                    "nothing with --on ray",
                    "the cluster knows its machines; --workers counts all",
                )
            launch = by_ray(team)
        elif team.workers == team.nodes == 1 and not self.resume:
            return None
        else:
            launch = by_torchrun(team)
        return Together(
            directory=self.directory, launch=launch, checkpoint_every=self.checkpoint_every, resume=self.resume
        )

    def assist(self) -> None:
        """Be a further machine."""
        assist(self.directory, self.team())

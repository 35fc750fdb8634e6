"""Fan: what the service asks of whoever carries its questions to the shards. server/sharding/fan.py is one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from adcascade.cascade.sharding.merge import Sifted
from adcascade.cascade.sharding.messages import Ask

ANSWERED = "answered"
SHORTENED = "shortened"  # it answered, and some stage of it did not do all its work
LATE = "late"
AWAY = "away"  # there is no line to it
VERSION = "version"  # it does not hold the question's bundle


@dataclass(frozen=True, slots=True)
class Gathered:
    """The answers to one question, and which are missing or shortened: word -> shards such as "2/3"."""

    parts: Sequence[Sifted]
    cuts: Mapping[str, Sequence[str]]

    @property
    def cut(self) -> str:
        """What kept shards away, for the trace: "late: 2/3"; empty where all answered."""
        return "; ".join(f"{word}: {' '.join(shards)}" for word, shards in self.cuts.items())


class Fan(Protocol):
    """One a front; it never raises: what goes wrong with a shard is a shard that is missing."""

    async def ask(self, question: Ask, left_ns: int, /) -> Gathered:
        """Ask every shard that is there, and return when all have answered or the time is over."""
        ...

    def tell(self, alphas: Mapping[str, float], closed: Collection[str], /) -> None:
        """Pacing factors of campaigns that are held back, and who has no money; each shard hears what changed."""
        ...

    def follows(self, version: str, now_us: int, /) -> bool:
        """Whether every shard that is there holds this bundle, or has had its time to load it."""
        ...

    @property
    def present(self) -> Sequence[str]:
        """Shards that can be asked now, such as "2/3"."""
        ...

    def status(self) -> Sequence[Mapping[str, object]]:
        """A line a shard, for the status page."""
        ...

    @property
    def absent(self) -> Sequence[str]:
        """Shards that cannot be asked now, as sentences."""
        ...

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """(shard, word) -> questions that ended so, since the start."""
        ...

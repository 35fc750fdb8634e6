"""One unlearned shop for all tests of shards; shards beside a front in one process, whose words go through bytes."""

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.cascade.sharding.fan import ANSWERED, AWAY, SHORTENED, VERSION, Gathered
from adcascade.cascade.sharding.merge import Sifted
from adcascade.cascade.sharding.messages import Ask, Found, Terms, decode, encode
from adcascade.cascade.sharding.opening import open_shard
from adcascade.cascade.sharding.shard import Shard
from adcascade.cascade.sharding.share import Share
from adcascade.cascade.sharding.standing import Standing, Told
from adcascade.closedloop.made_up import WHEN_US, Sizes
from adcascade.closedloop.unlearned import make_unlearned

SIZES = Sizes(ads=400, campaigns=40, retrieve=400, prerank=30, timeout_ms=20_000.0)


@pytest.fixture(scope="session")
def unlearned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of 400 ads and a bundle; test processes that run beside each other share one."""
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    directory = root / "unlearned"
    with (root / "unlearned.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second waits for the first
        if not directory.exists():
            make_unlearned(root / "unlearned-draft", SIZES)
            (root / "unlearned-draft").rename(directory)
    return directory


@pytest.fixture
def shop(unlearned: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    copy = tmp_path / "shop"
    shutil.copytree(unlearned, copy)
    return copy


class Near:
    """A fan over shards in this process: every word is encoded and decoded. `away` holds numbers that do not answer."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = shards
        self.away: set[int] = set()
        self.bytes: list[tuple[int, int]] = []  # of each question and its answer
        self.standings = [(Told(), Standing(shard.snapshot)) for shard in shards]
        self.counts: Counter[tuple[str, str]] = Counter()

    async def ask(self, question: Ask, left_ns: int) -> Gathered:
        """One shard after the other, the last one first."""
        parts, cuts = [], dict[str, list[str]]()
        for shard, (_, standing) in reversed(list(zip(self.shards, self.standings, strict=True))):
            if shard.share.number in self.away:
                cuts.setdefault(AWAY, []).append(str(shard.share))
                continue
            sent = encode(msgspec.structs.replace(question, left_us=left_ns // 1000))
            asked = decode(sent)
            assert isinstance(asked, Ask)
            answer = encode(shard.answer(asked, standing))
            found = decode(answer)
            assert isinstance(found, Found)
            self.bytes.append((len(sent), len(answer)))
            word = VERSION if found.cut == VERSION else SHORTENED if found.cut else ANSWERED
            if word != VERSION:
                parts.append(Sifted.of(found))
            if word != ANSWERED:
                cuts.setdefault(word, []).append(str(shard.share))
        return Gathered(parts, cuts)

    def tell(self, alphas: Mapping[str, float], closed: Collection[str]) -> None:
        """What changed."""
        for told, standing in self.standings:
            terms = told.news(alphas, closed)
            if terms is not None:
                heard = decode(encode(terms))
                assert isinstance(heard, Terms)
                standing.hear(heard)

    def follows(self, version: str, now_us: int) -> bool:
        """Whether all shards hold the bundle."""
        return not version or all(version in shard.versions for shard in self.shards)

    @property
    def present(self) -> list[str]:
        """Those that answer."""
        return [str(shard.share) for shard in self.shards if shard.share.number not in self.away]

    @property
    def absent(self) -> list[str]:
        """The others."""
        return [f"shard {number} is away" for number in sorted(self.away)]

    def status(self) -> list[Mapping[str, object]]:
        """Nobody looks."""
        return []


class Sharded:
    """A front and its shards over one shop."""

    def __init__(self, directory: Path, count: int, clock: Callable[[], int]) -> None:
        self.shards = [open_shard(directory, Share(number, count)) for number in range(1, count + 1)]
        self.fan = Near(self.shards)
        self.front = serving(directory, clock, f"front of {count}", self.fan)

    def close(self) -> None:
        """All of it."""
        self.front.close()
        for shard in self.shards:
            shard.close()


def serving(directory: Path, clock: Callable[[], int], name: str, fan: Near | None = None) -> AdService:
    """A service with a log and leases of its own over the shop's catalog, whose answers repeat."""
    around = Surroundings(
        clock_us=clock, new_id=lambda request: request.id, wait=True, owner=name, shards=fan,
        journal=directory / f"{name}.db",
    )  # fmt: skip
    return open_service(directory, around)


def still() -> int:
    """The time at which all requests of the shop come."""
    return WHEN_US

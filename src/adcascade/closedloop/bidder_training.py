"""Learning a bidding policy for an installation: MAAB in the world of its own logged auctions. Imports torch.

    log + catalog -> LogSource -> GroupGame -> Maab -> bidding/policy.npz, policy.json

Bids cannot be learned from the log alone, for nobody knows what other bids would have brought; so the auctions are held
again, with the catalog's bids and daily budgets, and what is learned holds as far as that world is true: one place a
request, values as the ranker predicted them, nobody outside reacts. Measure before you trust it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.maab import Maab, Run, Schedule
from adcascade.bidding.policy import Policy, PolicyManifest
from adcascade.bidding.q_networks import one_thread
from adcascade.bidding.site import POLICY
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.log_source import GROUPS, LogSource, daily_budgets, log_source
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord
from adcascade.market.bidding.group_game import GroupConfig, GroupGame
from adcascade.settings import load_settings

Floats = NDArray[np.float64]
ROUNDS = 150
STEPS, AUCTIONS, LEVELS, HIGHEST = 24, 12, 16, 1.5
JUDGED = 64  # episodes by which a policy is judged


@dataclass(frozen=True, slots=True, kw_only=True)
class BidderOrder:
    """What to learn. until_us: the log up to here is used; tau in units of the highest bid."""

    directory: Path
    until_us: int
    seed: int = 0
    rounds: int = ROUNDS
    tau: float = 4.0
    bars: Literal["none", "learned"] = "learned"
    progress: Callable[[int], None] | None = None


def train_bidder(order: BidderOrder) -> Policy:
    """Learn, judge and write the policy of a working directory; DataMissingError where its log is too small."""
    settings = load_settings(order.directory)
    with CatalogStore(settings.catalog_url) as store, Journal(settings.journal_path) as journal:
        snapshot = Snapshot.from_store(store)
        source = log_source(_auctions(journal, order.until_us), snapshot)
    game = game_of(source, snapshot, settings.auction.reserve_micros / 1000)
    run = Run(seed=order.seed, credit="shared", tau=order.tau, bars=order.bars)
    maab = Maab(game, [run], Schedule(rounds=order.rounds))
    with one_thread():
        maab.learn(order.progress)
        figures = _figures(game, maab, order.seed)
    manifest = PolicyManifest(
        method="maab",
        groups=GROUPS,
        seed=order.seed,
        until_us=order.until_us,
        auctions=len(source.value),
        figures=figures,
    )
    policy = maab.policy(0, manifest)
    policy.save(order.directory / POLICY)
    return policy


def game_of(source: LogSource, snapshot: Snapshot, reserve: float) -> GroupGame:
    """The world of an installation: an episode holds as much of a day's budgets as of its places."""
    config = GroupConfig(steps=STEPS, auctions=AUCTIONS, levels=LEVELS, highest=HIGHEST, reserve=reserve, most=1.0)
    daily = daily_budgets(snapshot)
    unlimited = GroupGame(config, source, seed=0, budgets=daily)
    part = STEPS * AUCTIONS / source.places_a_day
    return GroupGame(config, source, seed=0, budgets=np.clip(part * daily, 1.0, unlimited.most_paid))


def _auctions(journal: Journal, until_us: int) -> Iterator[AuctionRecord]:
    for _, record in journal.read(kinds=("auction",)):
        if isinstance(record, AuctionRecord) and record.time_us <= until_us:
            yield record


def _figures(game: GroupGame, maab: Maab, seed: int) -> dict[str, float]:
    """What the policy brings on fresh episodes, and what full bids bring on the same, side by side."""
    learned = maab.play([np.random.default_rng([seed, 3])], JUDGED)
    view, steps = game.reset([np.random.default_rng([seed, 3])], JUDGED), []
    for _ in range(game.steps):
        step, view = game.step(np.minimum(game.grid[-1], view.affordable))
        steps.append(step)
    full = np.stack([s.gained for s in steps], axis=2), np.stack([s.paid for s in steps], axis=2)
    return {
        f"{name}_{figure}": value
        for name, (gained, paid) in {"policy": (learned.gained, learned.paid), "full_bids": full}.items()
        for figure, value in summary(gained, paid / game.most_paid).items()
    }


def summary(gained: Floats, paid: Floats) -> dict[str, float]:
    """Of one run, [1, E, T, G] each: revenue as a share of P; value by group as a share of what it would win alone."""
    value = gained.mean(axis=(0, 1, 2))  # [G]
    revenue = float(paid.sum(axis=(2, 3)).mean())
    shares = {f"value_{group}": float(v) for group, v in zip(GROUPS, value, strict=True)}
    return {"revenue": revenue, "welfare": float(value.sum()), **shares}

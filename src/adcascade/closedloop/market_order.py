"""Order: what the simulator is asked to run, as fields with checks; dials that are as usual are left out."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from importlib.util import find_spec
from typing import Any, cast

import msgspec

from adcascade.errors import ConfigurationError, InputError
from adcascade.market.config import MarketConfig
from adcascade.market.dials import Dial, dial_of, read_dial, text_of

MOST_TICKS = 1_008  # a week
MOST_SEED = 2**31 - 1
MOST_VIEWS = 1_000_000  # page views of a run: what was shown on them must fit into memory
MOST_PAIRS = 600_000  # ads times scenarios: the market is calibrated on tables of 40 views of each
Value = int | float | bool
DIALS: dict[str, tuple[Dial, Value]] = {
    one.name: (dial_of(one), cast("Value", one.default)) for one in fields(MarketConfig)
}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A run. warm_up: ticks that are answered by chance first, for the log that popularity and the cascade learn from;
    ticks: of ten minutes, that are measured; cascade: train one of this market and measure it too.

    installation: a folder whose own market goes on instead, with its log and its serving bundle, on a copy.
    """

    dials: dict[str, Value] = {}  # those that differ from the defaults
    seed: int = 0
    warm_up: int = 72
    ticks: int = 36
    cascade: bool = False
    installation: str = ""

    @property
    def config(self) -> MarketConfig:
        """The market's dials; InputError names one that no world has."""
        turned: dict[str, Any] = dict(self.dials)
        return MarketConfig(**turned)

    @property
    def policies(self) -> tuple[str, ...]:
        """Who is measured, the one that knows the truth last."""
        return ("random", "popularity", *(("cascade",) if self.cascade else ()), "oracle")

    def arguments(self) -> list[str]:
        """The same for `adcascade market run`."""
        if self.installation:
            return [f"--installation={self.installation}", f"--ticks={self.ticks}"]
        turned = [f"--set={name}={text_of(value)}" for name, value in self.dials.items()]
        told = [f"--seed={self.seed}", f"--warm-up={self.warm_up}", f"--ticks={self.ticks}"]
        return [*turned, *told, *(["--cascade"] if self.cascade else [])]


def _whole(name: str, least: int, most: int, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and least <= int(text) <= most):
        raise InputError(name, text, f"a whole number from {least} to {most:,}")
    return int(text)


def _switch(name: str, text: str) -> bool:
    if text not in {"", "yes", "no"}:
        raise InputError(name, text, "yes or no")
    return text == "yes"


def _dial(name: str, text: str) -> Value:
    one, default = DIALS[name]
    return read_dial(name, text, one, default)


CHECKS: dict[str, Callable[[str], Any]] = {
    **{name: partial(_dial, name) for name in DIALS},
    "seed": partial(_whole, "seed", 0, MOST_SEED),
    "warm_up": partial(_whole, "warm_up", 6, MOST_TICKS),
    "ticks": partial(_whole, "ticks", 1, MOST_TICKS),
    "cascade": partial(_switch, "cascade"),
}


def order_of(good: Mapping[str, Any]) -> Order:
    """The order that checked fields mean; what is missing is as usual. InputError for fields that contradict."""
    dials = {name: good[name] for name, (_, usual) in DIALS.items() if name in good and good[name] != usual}
    rest = {name: good[name] for name in ("seed", "warm_up", "ticks", "cascade") if name in good}
    order = Order(dials=dials, **rest)
    config, lived = order.config, order.warm_up + order.ticks
    if config.life_ticks < lived:
        raise InputError("life_ticks", config.life_ticks, f"at least the {lived} ticks that the run lives through")
    if config.ads * config.scenarios > MOST_PAIRS:
        most = MOST_PAIRS // config.ads
        raise InputError("scenarios", config.scenarios, f"at most {most} with {config.ads:,} ads, for the memory")
    if config.views_per_tick * lived > MOST_VIEWS:
        most = math.floor(MOST_VIEWS / lived)
        raise InputError("views_per_tick", config.views_per_tick, f"at most {most:,} over {lived} ticks")
    return order


def order_of_texts(texts: Mapping[str, str]) -> Order:
    """The order that texts mean; InputError names the first that cannot be used."""
    for name in texts:
        if name not in CHECKS:
            raise InputError("dial", name, "one of " + ", ".join(DIALS))
    return order_of({name: CHECKS[name](text.strip()) for name, text in texts.items()})


def can_train() -> bool:
    """Whether the packages that learning needs are here."""
    return find_spec("torch") is not None and find_spec("sklearn") is not None


def require_training() -> None:
    """ConfigurationError, with the remedy, where they are not."""
    if not can_train():
        raise ConfigurationError("training a cascade needs more packages: pip install 'adcascade[train]'")

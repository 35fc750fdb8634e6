"""Bars: what one campaign's ad must be worth in each slot of each logged page, had it not been there itself.

    bar(a, k) = the highest value in slot k among the others' ads that hold no earlier slot, at least the reserve

An ad that wins slot k moves those below it down, and what it beats there is who would have stood there: so K numbers a
page answer every bid, and are what a second price is made of (auction/allocation.py holds the rule, in integers).

Ads that stood above a winner and yet won nothing had no money left or were kept back by a cap: they are no rivals.
A page that was answered by chance is won by chance: its only bar is the reserve, in the slot that the campaign had.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.forecast.traffic import Flags, Floats, Ints, Log

MOST_SLOTS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the installation sells. reserve_micros: of any slot; one_per: see `auction.one_per`."""

    rule: Literal["gsp", "first_price", "second_price", "vcg"] = "gsp"
    reserve_micros: int = 0
    one_per: Literal["campaign", "product", "ad"] = "campaign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The traffic as one campaign meets it."""

    slots: Ints  # [A] how many a page has
    bar: Floats  # [A, K] micros per thousand impressions in the slot; infinite where there is no slot to win


def pages_of(log: Log, rules: Rules, without: Ints) -> Pages:
    """What each page asks of whoever stands there instead of a campaign: its number, [A]."""
    traffic, places = log
    owner, per_click = places.campaign[traffic.row], places.per_click[traffic.row]
    book = (traffic.start, owner, per_click, traffic.ecpm, traffic.won)
    floor = float(max(rules.reserve_micros, 1))
    rival = np.zeros(len(traffic.row), np.bool_)
    filled, full = np.zeros(len(traffic), np.int64), np.zeros(len(traffic), np.bool_)
    factor = _long(traffic.factor, MOST_SLOTS)
    _rivals(book, factor, floor, rival, (filled, full))
    slots = np.minimum(_slots(traffic.texts["scenario"], filled, full), MOST_SLOTS)
    if rules.rule == "second_price":
        slots = np.minimum(slots, 1)
    bar = np.full((len(traffic), int(slots.max(initial=1))), np.inf)
    sale = (factor, floor, rules.one_per == "ad", without)
    _bars(book, sale, (rival, slots, traffic.explored), bar)
    return Pages(slots=slots, bar=bar)


def _long(factor: Floats, slots: int) -> Floats:
    """The last factor holds for all further slots."""
    return np.append(factor, np.repeat(factor[-1:], max(0, slots - len(factor))))


def _slots(scenario: NDArray[np.str_], filled: Ints, full: Flags) -> Ints:
    """Of each page: as many as it filled, if it was full; else as many as were ever filled in its scenario."""
    if not len(filled):
        return filled
    names, number = np.unique(scenario, return_inverse=True)
    most = np.zeros(len(names), np.int64)
    np.maximum.at(most, number, filled)
    return np.where(full, filled, np.maximum(most[number], 1))


Book = tuple[Ints, Ints, Flags, Floats, Ints]  # start, owner, per_click, ecpm, won


@njit(cache=True)
def _value(ecpm: float, per_click: bool, factor: float) -> float:  # noqa: FBT001  what value_in_slot says of one ad
    return ecpm * factor if per_click else ecpm


@njit(cache=True)
def _rivals(book: Book, factor: Floats, floor: float, rival: Flags, told: tuple[Ints, Flags]) -> None:
    """Who could have won, [E]; the slots filled, and whether somebody was left for one more, [A] each."""
    start, owner, per_click, ecpm, won = book
    filled, full = told
    value_of, winner = np.empty(MOST_SLOTS), np.empty(MOST_SLOTS, np.int64)
    for a in range(len(start) - 1):
        value_of[:], winner[:] = -1.0, -1
        for i in range(start[a], start[a + 1]):
            if 0 <= won[i] < MOST_SLOTS:
                value_of[won[i]] = _value(ecpm[i], per_click[i], factor[won[i]])
                winner[won[i]] = owner[i]
                filled[a] = max(filled[a], won[i] + 1)
        for i in range(start[a], start[a + 1]):
            rival[i] = filled[a] > 0
            stands = won[i] >= 0
            for k in range(filled[a]):
                if winner[k] == owner[i]:
                    stands = True
                elif winner[k] >= 0 and not stands and _value(ecpm[i], per_click[i], factor[k]) > value_of[k]:
                    rival[i] = False
            below = factor[min(filled[a], MOST_SLOTS - 1)]
            if rival[i] and not stands and _value(ecpm[i], per_click[i], below) >= floor:
                full[a] = True


@njit(cache=True)
def _bars(book: Book, sale: tuple[Floats, float, bool, Ints], pages: tuple[Flags, Ints, Flags], bar: Floats) -> None:
    start, owner, per_click, ecpm, won = book
    factor, floor, one_per_ad, without = sale
    rival, slots, explored = pages
    taken = np.empty(MOST_SLOTS, np.int64)
    empty = floor - 0.5  # whoever reaches the reserve has it
    for a in range(len(start) - 1):
        own = without[a]
        if explored[a]:
            for i in range(start[a], start[a + 1]):
                if owner[i] == own and 0 <= won[i] < slots[a]:
                    bar[a, won[i]] = empty
            continue
        for k in range(slots[a]):
            best, first = -1, empty
            for i in range(start[a], start[a + 1]):
                value = _value(ecpm[i], per_click[i], factor[k]) if rival[i] and owner[i] != own else 0.0
                if value > first and value >= floor and _free(taken[:k], i if one_per_ad else owner[i]):
                    best, first = i, value
            bar[a, k] = first
            taken[k] = -1 if best < 0 else (best if one_per_ad else owner[best])


@njit(cache=True)
def _free(taken: Ints, number: int) -> bool:
    return not np.any(taken == number)

"""Randomness that can be asked for again: every number is a pure function of (seed, purpose, key).

Two kinds. A `stream` is a NumPy generator for a purpose and a key such as a tick: the whole tick is drawn from it,
so a tick can be made alone, on a fresh market, in any order. A `uniform_of` is one number per tuple of whole numbers
such as (view, ad, slot): what an ad *would* get there, whether it is shown or not.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from adcascade.market.arrays import Floats

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # increment and mixers of SplitMix64 (Steele, Lea, Flood 2014)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


class Purpose(IntEnum):
    """What the numbers are for. The numbers are part of the world: never renumber, only append."""

    CATEGORIES = 1
    SCENARIOS = 2
    PLACES = 3
    PEOPLE = 4
    ADVERTISERS = 5
    ADS = 6
    ECONOMY = 7
    PICTURES = 8
    VIEWS = 9
    CALIBRATION = 10
    SLATES = 11
    MOOD = 12
    CLICK = 13
    CLICK_TIME = 14
    CONVERSION = 15
    DELAY_KIND = 16
    DELAY_LENGTH = 17
    BASKET = 18
    BIDDERS = 19
    OPPORTUNITIES = 20
    EXPOSURES = 21
    OVERSPEND = 22


def stream(seed: int, purpose: Purpose, *key: int) -> np.random.Generator:
    """A generator of its own for this purpose and key (whole numbers from 0 to 2**32 - 1)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(int(purpose), *key))))


def uniform_of(seed: int, purpose: Purpose, *parts: NDArray[np.integer]) -> Floats:
    """Uniform numbers in [0, 1), one per tuple of `parts` (arrays that broadcast together).

    The parts are absorbed one after the other by the SplitMix64 finaliser, keyed by seed and purpose.
    """
    start = np.random.SeedSequence(seed, spawn_key=(int(purpose),)).generate_state(1, np.uint64)
    state = start
    for part in parts:
        state = _mix((state ^ np.asarray(part).astype(np.uint64)) + _GOLDEN)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64, a bijection of 64-bit words."""
    z = (z ^ (z >> np.uint64(30))) * _MIX1
    z = (z ^ (z >> np.uint64(27))) * _MIX2
    return z ^ (z >> np.uint64(31))

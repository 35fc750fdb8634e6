"""Slot factors: how many clicks slot k gets for one that the same ad would get in slot 0.

    f_k = (clicks_k + s g_k) / (predicted_k + s),    then f_k / f_0, never rising

predicted_k is the sum of first-slot probabilities of the impressions served in slot k, so better ads in better
slots are accounted for (examination hypothesis: Craswell et al., "An experimental comparison of click
position-bias models", 2008). Clicks given f are Poisson with mean f * predicted_k and f has a gamma prior of
mean g_k and strength s (in predicted clicks): f_k is the posterior mean. The factors are only as right as the
probabilities: best where the slots were filled by chance.
"""

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from adcascade.calibration.pav import pooled
from adcascade.errors import BundleError

FILE = "slots.json"


def slot_factors(
    slot: NDArray[np.integer],
    predicted: NDArray[np.floating],
    clicked: NDArray[np.floating],
    *,
    slots: int | None = None,
    prior: ArrayLike = 1.0,
    strength: float = 20.0,
) -> NDArray[np.float64]:
    """[K] from impressions [N]: slot 0..K-1, first-slot click probability, click 0 or 1.

    slots: K (the highest slot seen, if None); prior: g, one number or [K], e.g. the factors served so far;
    strength: s. The first factor is 1, none is above the one before it, none is negative.
    """
    k = int(slot.max(initial=0)) + 1 if slots is None else slots
    clicks = np.bincount(slot, weights=clicked, minlength=k)[:k]
    expected = np.bincount(slot, weights=predicted, minlength=k)[:k]
    weight = expected + strength
    factor = (clicks + strength * np.broadcast_to(np.asarray(prior, np.float64), (k,))) / weight
    falling = pooled(factor[::-1].tolist(), weight[::-1].tolist())[::-1]
    return falling / falling[0] if falling[0] > 0 else np.ones(k)


def write_slot_factors(folder: Path, factors: NDArray[np.floating]) -> None:
    """Write slots.json into the folder of the calibration stage."""
    (folder / FILE).write_bytes(msgspec.json.encode({"factors": [float(f) for f in factors]}))


def read_slot_factors(folder: Path) -> NDArray[np.float32]:
    """float32 [K] as written; (1,) where slots.json is absent; BundleError where it is damaged."""
    path = folder / FILE
    if not path.exists():
        return np.ones(1, np.float32)
    try:
        factors = msgspec.json.decode(path.read_bytes(), type=dict[str, list[float]])["factors"]
    except (msgspec.MsgspecError, KeyError) as error:
        raise BundleError(f"{path} holds no slot factors ({error}); build the bundle again") from error
    return np.array(factors or [1.0], np.float32)

"""What is kept of a request that was answered again: what both bundles predict of the ads that were shown, and what
the shadow would have shown.

A predicted click is that of the ad in its slot, calibrated by the bundle, before live calibration: a bundle that never
served has none, and both shall be judged alike.
"""

import msgspec


class Pair(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """An ad of the answer. served, shadow: P(click in its slot) as each bundle predicts it."""

    bid_id: str
    ad: int  # row of the catalog
    slot: int
    served: float
    shadow: float


class Own(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The shadow's own answer, which nobody saw. expected_micros: revenue by its own predictions."""

    ads: tuple[int, ...]  # rows of the catalog
    slots: tuple[int, ...]  # of each
    expected_micros: float
    stage_us: dict[str, int]


class Shadowed(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A request. bundle: that answered; expected_micros: revenue of its answer by its predictions.

    alike: of the pairs of candidates, the share that both bundles put into the same order by P(click); None where no
    two differ. own: None where chance answered, which asks no bundle.
    """

    id: str
    time_us: int
    scenario: str
    bundle: str
    shadow: str
    pairs: tuple[Pair, ...]
    expected_micros: float
    stage_us: dict[str, int]
    alike: float | None
    own: Own | None

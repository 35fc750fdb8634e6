"""Shown: one row per ad that a shopper saw, with what was predicted, what was true, what happened and what was paid."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.market.market import Market
from adcascade.market.responses import Responses
from adcascade.market.views import PageViews


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """n impressions, a struct of arrays."""

    view: NDArray[np.int64]  # [n] the market's number of the page view
    slot: NDArray[np.int64]  # [n]
    ad: NDArray[np.int64]  # [n] the market's number of the ad
    explored: NDArray[np.bool_]  # [n] chosen by chance
    predicted: NDArray[np.float64]  # [n] P(click in this slot) as the policy said; NaN where it says nothing
    predicted_cvr: NDArray[np.float64]  # [n] P(conversion | click); NaN likewise
    truth: NDArray[np.float64]  # [n] P(click in this slot, beside these neighbours)
    truth_cvr: NDArray[np.float64]  # [n]
    clicked: NDArray[np.bool_]  # [n]
    converted: NDArray[np.bool_]  # [n]
    price: NDArray[np.int64]  # [n] micros per billing event
    per_click: NDArray[np.bool_]  # [n] billed per click, else per impression
    charged: NDArray[np.int64]  # [n] micros
    value: NDArray[np.float64]  # [n] micros that a click is worth to the advertiser

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The impressions of all parts, one after the other."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    def where(self, mask: NDArray[np.bool_]) -> Self:
        """The impressions where the mask [n] holds."""
        return type(self)(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})

    def __len__(self) -> int:
        """n."""
        return len(self.view)


@dataclass(slots=True, kw_only=True)
class Slates:
    """What a policy showed on N page views, K places each; ad -1 is an empty place."""

    ad: NDArray[np.int32]  # [N, K] the market's numbers
    creative: NDArray[np.int32]  # [N, K]
    predicted: NDArray[np.float64]  # [N, K]
    predicted_cvr: NDArray[np.float64]  # [N, K]
    price: NDArray[np.int64]  # [N, K]
    per_click: NDArray[np.bool_]  # [N, K] billed per click, else per impression
    charged: NDArray[np.int64]  # [N, K] filled once it is known
    explored: NDArray[np.bool_]  # [N]

    @classmethod
    def empty(cls, views: int, places: int) -> Self:
        """Nothing shown yet."""
        shape = (views, places)
        return cls(
            ad=np.full(shape, -1, np.int32),
            creative=np.zeros(shape, np.int32),
            predicted=np.full(shape, np.nan),
            predicted_cvr=np.full(shape, np.nan),
            price=np.zeros(shape, np.int64),
            per_click=np.zeros(shape, np.bool_),
            charged=np.zeros(shape, np.int64),
            explored=np.zeros(views, np.bool_),
        )


def shown_of(
    market: Market,
    views: PageViews,
    slates: Slates,
    responses: Responses,
) -> Shown:
    """The impressions of a tick's slates, with what the shoppers did."""
    row, place = np.nonzero(slates.ad >= 0)
    ad = slates.ad[row, place].astype(np.int64)
    at = (row, place)
    return Shown(
        view=views.view[row],
        slot=place.astype(np.int64),
        ad=ad,
        explored=slates.explored[row],
        predicted=slates.predicted[at],
        predicted_cvr=slates.predicted_cvr[at],
        truth=responses.click_probability[at],
        truth_cvr=responses.conversion_probability[at],
        clicked=responses.clicks[at],
        converted=responses.conversions[at],
        price=slates.price[at],
        per_click=slates.per_click[at],
        charged=slates.charged[at],
        value=market.value_per_click_micros[ad].astype(np.float64),
    )

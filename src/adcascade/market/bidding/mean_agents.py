"""Mean agents: the many advertisers of one objective learn as one, and bid each for itself (Wen et al., 2022).

    member k of group g, auction e     b_k^e = b_g * clip( v_k^e / v_g, 0, 3 ),   v_g: the group's mean value
    that is alpha * v with alpha = b_g / v_g, up to the clip

A group of one member with one auction a step is the plain agent: then v = v_g and b = b_g.

Letters in shapes: N auctions of a step, m bidders, G groups; `...` whatever stands before.
"""

import numpy as np

from adcascade.market.arrays import Flags, Floats, Ints

ADVANTAGE = 3.0  # the highest value relative to the mean that a bid follows


def group_means(value: Floats, group: Ints, groups: int) -> Floats:
    """Mean value of a group over the auctions that its members take part in: value, group [..., N, m] -> [..., G].

    A value of 0 does not take part; a group of which nobody does has the mean 0.
    """
    mine = (group[..., None] == np.arange(groups)) & (value > 0)[..., None]  # [..., N, m, G]
    total = (value[..., None] * mine).sum(axis=(-3, -2))
    count = mine.sum(axis=(-3, -2))
    return np.asarray(total / np.maximum(count, 1))


def member_bids(
    mean_bid: Floats, value: Floats, mean_value: Floats, group: Ints, *, most: float | None = None
) -> Floats:
    """Bids [..., N, m] of members: mean_bid, mean_value [..., G], value, group [..., N, m].

    most: no bid is above `most` * value; None: no such bound.
    """
    flat = group.reshape(*group.shape[:-2], -1)
    mine = np.take_along_axis(mean_bid, flat, axis=-1).reshape(value.shape)
    mean = np.take_along_axis(mean_value, flat, axis=-1).reshape(value.shape)
    advantage = np.divide(value, mean, out=np.zeros_like(value), where=mean > 0)
    bid = mine * advantage.clip(0, ADVANTAGE)
    return np.asarray(bid if most is None else np.minimum(bid, most * value))


def one_place(bid: Floats, reserve: float, noise: Floats | float = 1.0) -> tuple[Ints, Floats, Flags]:
    """Second price for one place: bid [..., m] -> winner [...], price [...], sold [...]; below the reserve nobody wins.

    The rule of `auction.hold_auction` with one place that is always seen, for arrays of any rank. noise [..., m], near
    1, decides among equal bids and moves no price.
    """
    winner = (bid * noise).argmax(axis=-1)
    best = np.take_along_axis(bid, winner[..., None], axis=-1)[..., 0]
    others = bid.copy()
    np.put_along_axis(others, winner[..., None], -np.inf, axis=-1)
    sold = (best >= reserve) & (best > 0)
    price = np.maximum(np.minimum(others.max(axis=-1), best), reserve)
    return winner.astype(np.int32), price, sold

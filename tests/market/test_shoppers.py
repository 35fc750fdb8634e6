"""Shoppers: tastes, drift, what is visible, coming and going."""

from dataclasses import replace

import numpy as np

from adcascade.market.categories import CategoryTree, category_tree
from adcascade.market.config import MarketConfig
from adcascade.market.shoppers import UNKNOWN, Shoppers

CONFIG = MarketConfig(users=400)
TREE: CategoryTree = category_tree(2)


def shoppers(config: MarketConfig = CONFIG) -> Shoppers:
    """The shoppers of seed 2."""
    return Shoppers(config, 2, TREE)


def test_without_drift_interests_stay() -> None:
    """With drift 0 a shopper's interest is the same at all ticks; with drift it moves, and moves further later."""
    user, ticks = np.arange(400), (0, 36, 500)
    still, moving = shoppers(replace(CONFIG, drift=0.0)), shoppers()
    at = [still.interest(still.people(user), np.full(400, tick)) for tick in ticks]
    assert np.array_equal(at[0], at[1])
    assert np.array_equal(at[0], at[2])
    now, soon, late = (moving.interest(moving.people(user), np.full(400, tick)) for tick in ticks)
    same_soon, same_late = (now * soon).sum(axis=1).mean(), (now * late).sum(axis=1).mean()
    assert same_late < same_soon < 0.9999


def test_interests_are_unit_vectors_near_what_is_liked() -> None:
    """Interests have length 1 and are nearer to the most liked category than to others."""
    crowd = shoppers()
    people = crowd.people(np.arange(400))
    interest = crowd.interest(people, np.zeros(400, np.int64))
    assert np.allclose(np.linalg.norm(interest, axis=1), 1, atol=1e-5)
    cosine = interest @ TREE.centre.T
    assert cosine[np.arange(400), people.liked[:, 0]].mean() > cosine.mean() + 0.4


def test_people_do_not_depend_on_who_was_asked_before() -> None:
    """Shopper 3 x U + 7 of a later generation is the same on a fresh market."""
    user = np.array([3 * 400 + 7])
    first = shoppers()
    first.people(np.arange(900))
    assert np.array_equal(first.people(user).own, shoppers().people(user).own)


def test_places_stay_filled_while_shoppers_change() -> None:
    """At every tick all places are held by different shoppers, and over 90 days most have changed, none comes back."""
    crowd = shoppers()
    before, after = crowd.alive(0), crowd.alive(90 * 144)
    assert len(np.unique(after)) == 400
    assert (after % 400 == np.arange(400)).all()
    assert (after > before).mean() > 0.9
    assert (after >= before).all()


def test_activity_has_a_heavy_tail() -> None:
    """The busiest tenth of the places makes more than a third of the views."""
    share = np.sort(np.diff(shoppers().activity_cdf, prepend=0))
    assert share[-40:].sum() > 1 / 3


def test_visible_attributes_are_as_noisy_as_the_dial_says() -> None:
    """Without attribute noise the segment is the department of what is liked most; with noise it mostly is."""
    user = np.arange(400)
    clear, noisy = (shoppers(replace(CONFIG, attribute_noise=x)).people(user) for x in (0.0, 0.4))
    assert np.array_equal(clear.seen_segment, TREE.department[clear.liked[:, 0]])
    assert (clear.seen_age != UNKNOWN).all()
    right = (noisy.seen_segment == TREE.department[noisy.liked[:, 0]]).mean()
    assert 0.3 < right < 0.6
    assert (noisy.seen_segment == UNKNOWN).any()


def test_visible_attributes_tell_something_of_the_taste() -> None:
    """Shoppers of one gender band like a department more than the other does: the attribute is a real feature."""
    people = shoppers().people(np.arange(400))
    department = TREE.department[people.liked[:, 0]]
    rates = [
        np.bincount(department[people.seen_gender == g], minlength=8) / (people.seen_gender == g).sum() for g in (0, 1)
    ]
    assert np.abs(rates[0] - rates[1]).max() > 0.05

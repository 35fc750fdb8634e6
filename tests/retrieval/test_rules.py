"""Laws of the rules: words and categories find ads, live."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.catalog import Ad
from adcascade.catalog.bitmaps import pack
from adcascade.catalog.words import parents, words
from adcascade.retrieval import rules
from adcascade.retrieval.choose import in_order
from adcascade.retrieval.rules import CategoryRule, KeywordRule, terms_of

WORDS = ["red", "blue", "shoe", "lamp", "42"]
texts = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
some_ads = st.lists(
    st.none()
    | st.builds(
        Ad,
        id=st.just("a"),
        campaign=st.just("C"),
        title=texts,
        keywords=st.lists(texts, max_size=2).map(tuple),
        category=st.sampled_from(["", "home", "home/lamps", "sports/shoes", "sports/shoes/running"]),
    ),
    max_size=16,
)
ALL = np.full(2, 255, np.uint8)


def ad(title: str, category: str = "", **more: tuple[str, ...]) -> Ad:
    """An ad of campaign C."""
    return Ad(id="a", campaign="C", title=title, category=category, **more)  # type: ignore[arg-type]


@given(before=some_ads, after=some_ads, query=texts, k=st.integers(0, 16), kept=st.lists(st.booleans(), min_size=16))
def test_keywords_find_what_a_loop_over_all_ads_finds(
    before: list[Ad | None], after: list[Ad | None], query: str, k: int, kept: list[bool]
) -> None:
    """After any updates: every allowed ad that shares a word, with the summed idf of the words it shares."""
    rule = KeywordRule()
    for row, one in (*enumerate(before), *enumerate(after)):
        rule.update(row, one)
    present = dict(enumerate(before)) | dict(enumerate(after))
    terms = {row: terms_of(one) for row, one in present.items() if one is not None and terms_of(one)}
    idf = {w: math.log1p(len(terms) / max(sum(w in t for t in terms.values()), 1)) for w in WORDS}
    asked = set(words(query))
    expected = {r: sum(idf[w] for w in asked & t) for r, t in terms.items() if kept[r] and asked & t}
    rows, scores = rule(query, 16, pack(np.array(kept[:16])))
    np.testing.assert_allclose(scores, [expected[row] for row in rows.tolist()], rtol=1e-5)
    assert set(rows.tolist()) == set(expected)
    assert rule(query, k, pack(np.array(kept[:16])))[0].tolist() == rows[:k].tolist()


@given(ads=some_ads, word=st.sampled_from(WORDS), k=st.integers(0, 16), kept=st.lists(st.booleans(), min_size=16))
def test_one_word_is_as_two_of_which_nobody_has_the_other(
    ads: list[Ad | None], word: str, k: int, kept: list[bool]
) -> None:
    """The lowest allowed rows that have the word, all worth its idf, however the query repeats it."""
    rule = KeywordRule()
    for row, one in enumerate(ads):
        rule.update(row, one)
    there = [row for row, one in enumerate(ads) if one is not None and word in terms_of(one)]
    idf = math.log1p(sum(one is not None and bool(terms_of(one)) for one in ads) / max(len(there), 1))
    rows, scores = rule(f"{word} nobody {word}", k, pack(np.array(kept[:16])))
    assert rows.tolist() == [row for row in there if kept[row]][:k]
    np.testing.assert_allclose(scores, np.full(len(rows), idf), rtol=1e-6)


def test_rare_words_weigh_more() -> None:
    """Of two ads that share one word each with the query, the one with the rarer word comes first."""
    rule = KeywordRule()
    for row, title in enumerate(["red lamp", "red shoe", "red hat", "green hat"]):
        rule.update(row, ad(title))
    rows, _ = rule("GREEN red", 9, ALL)
    assert rows.tolist()[0] == 3


def test_keywords_of_the_ad_count_like_its_title() -> None:
    """A query finds an ad by a keyword that its title does not hold."""
    rule = KeywordRule()
    rule.update(7, ad("Runner", keywords=("jogging shoe",)))
    assert rule("jogging", 9, ALL)[0].tolist() == [7]
    assert rule("cycling", 9, ALL)[0].tolist() == []


@given(ads=some_ads, k=st.integers(0, 16), kept=st.lists(st.booleans(), min_size=16, max_size=16))
def test_a_category_brings_its_best_then_its_parents(ads: list[Ad | None], k: int, kept: list[bool]) -> None:
    """All allowed ads of the category by value, then those of its parent that are not in it."""
    rule = CategoryRule()
    for row, one in enumerate(ads):
        rule.update(row, one)
    value = np.random.default_rng(0).random(16).astype(np.float32)
    category = "sports/shoes/running"
    depth = {r: len(set(parents(category)) & set(parents(a.category))) for r, a in enumerate(ads) if a and kept[r]}
    expected = sorted((r for r in depth if depth[r]), key=lambda r: (-depth[r], -value[r]))
    rows, values = rule([category], k, pack(np.array(kept)), value)
    assert rows.tolist() == expected[:k]
    np.testing.assert_array_equal(values, value[rows])


@given(changes=st.lists(st.tuples(st.integers(0, 15), some_ads, st.booleans()), max_size=6))
def test_an_order_of_before_is_never_used(changes: list[tuple[int, list[Ad | None], bool]]) -> None:
    """After any changes of ads and of their values, asked in between, a rule says what a new one says."""
    rule, now = CategoryRule(), dict[int, Ad | None]()
    value = np.zeros(16, np.float32)
    for seed, (first, ads, revalued) in enumerate(changes):
        for row, one in enumerate(ads, first):
            now[row % 16] = one
            rule.update(row % 16, one)
        if revalued:
            value = np.random.default_rng(seed).random(16).astype(np.float32)
        fresh = CategoryRule()
        for row, here in now.items():
            fresh.update(row, here)
        asked = ["sports/shoes/running", "home"]
        assert rule(asked, 16, ALL, value)[0].tolist() == fresh(asked, 16, ALL, value)[0].tolist()


def test_a_category_is_put_in_order_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second request costs no sort, nor does one after a change of another category."""
    sorts: list[int] = []

    def counted(rows: NDArray[np.int32], value: NDArray[np.float32]) -> NDArray[np.int32]:
        sorts.append(len(rows))
        return in_order(rows, value)

    monkeypatch.setattr(rules, "in_order", counted)
    rule, value = CategoryRule(), np.arange(16, dtype=np.float32)
    for row in range(5):
        rule.update(row, ad("x", "home"))
    for _ in range(3):
        rule(["home"], 2, ALL, value)
    rule.update(9, ad("x", "sports"))
    rule(["home"], 2, ALL, value)
    assert sorts == [5]


def test_categories_share_the_quota() -> None:
    """With room for two, two categories bring one each; what one cannot bring the next one may."""
    rule = CategoryRule()
    for row, category in enumerate(["home", "home", "home", "sports"]):
        rule.update(row, ad("x", category))
    value = np.arange(16, dtype=np.float32)
    assert rule(["home", "sports"], 2, ALL, value)[0].tolist() == [2, 3]
    assert rule(["toys", "home"], 2, ALL, value)[0].tolist() == [2, 1]

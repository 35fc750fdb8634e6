"""The part about another bundle: which ones may be chosen, and what is said where there is nothing to compare."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.console.conftest import Open
from tests.server.shop import NOW, Shop

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.resold import Rule, Sold
from adcascade.cascade.under_other import UnderOther
from adcascade.console.pages.cascade.other import choices_of, said_of
from adcascade.errors import BundleError
from adcascade.events.records import AuctionRecord

Key = Callable[..., tuple[str, str]]


@pytest.fixture
def shelf(tmp_path: Path) -> tuple[Bundles, list[str]]:
    """Two bundles, the second of which serves, in the folder of the console's installation."""
    bundles = Bundles(tmp_path / "bundles")

    def fill(folder: Path) -> None:
        (folder / "x").write_text("x")

    made = [
        bundles.write(fill, created_us=NOW + age, schema="s", methods={}, metrics={}).version for age in (0, 9_000_000)
    ]
    bundles.promote(made[1])
    return bundles, made


def test_whole_bundles_can_be_chosen_the_newest_first(shelf: tuple[Bundles, list[str]]) -> None:
    """With a word about which serves and which answered; a damaged one is not among them."""
    bundles, (old, new) = shelf
    assert [one.value for one in choices_of(bundles, old)] == [new, old]
    labels = [one.label for one in choices_of(bundles, old)]
    assert ["serves" in one for one in labels] == [True, False]
    assert ["answered this request" in one for one in labels] == [False, True]
    (bundles.path(old) / "more").write_text("more")
    assert [one.value for one in choices_of(bundles, old)] == [new]


def test_what_cannot_be_compared_is_said(
    shelf: tuple[Bundles, list[str]], shop: Shop, opened: Open, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such bundle; a damaged one; a request of which no candidates were kept. The page stands all the same."""
    version = shelf[1][0]
    shop.journal.append([AuctionRecord(id="r1", time_us=NOW, user=None, scenario="home", seen={}, winners=())])
    browser = opened()
    browser.sign_in(key("viewer")[1])
    plain = browser.get("/cascade/request/r1")
    assert (plain.status_code, "keeps no candidate of this request" in plain.text) == (200, False)
    for name in ("../secret", "20250101T000000-00000000"):
        assert browser.get(f"/cascade/request/r1?bundle={name}").status_code == 400
    asked = browser.get(f"/cascade/request/r1?bundle={version}")
    assert (asked.status_code, "keeps no candidate of this request" in asked.text) == (200, True)

    async def damaged(record: AuctionRecord, version: str, bundles: Bundles) -> UnderOther | None:
        raise BundleError(f"bundle {version}: ranking/score.onnx was changed after it was written")

    monkeypatch.setattr(shop, "under_other", damaged)
    told = browser.get(f"/cascade/request/r1?bundle={version}")
    assert (told.status_code, "was changed after it was written" in told.text) == (200, True)


def test_the_winners_are_told_in_a_sentence() -> None:
    """Slot by slot; one that stays empty under one of the two counts."""

    def rule(*ads: str) -> Rule:
        sold = tuple(Sold(slot=slot, ad=ad, price_micros=1, billing="click") for slot, ad in enumerate(ads))
        return Rule(name="gsp", sold=sold, revenue_micros=1)

    def said(logged: Rule, other: Rule) -> str:
        told = UnderOther(
            version="v", rule="gsp", logged=logged, other=other, ads=(), gone=0, missing=(), factor=1.0
        )  # fmt: skip
        return said_of(told)

    assert said(rule("a", "b"), rule("a", "b")) == "The same ads win the same slots"
    assert said(rule("a", "b"), rule("b", "a", "c")) == "3 of 3 slots would go to another ad, or to none"

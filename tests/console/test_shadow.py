"""What the console says of a shadow: no more than its numbers do."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cascade.shadow.test_compare import START, record
from tests.console.conftest import AtShelf, Key

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.calibration_curve import Curve
from adcascade.cascade.promoting import changes
from adcascade.cascade.shadow.compare import Difference, Part, compared
from adcascade.cascade.shadow.order import FILE, Order, give_up, order_of, start
from adcascade.cascade.shadow.store import Counts, ShadowStore
from adcascade.console.pages.models.shadow import share_of
from adcascade.console.pages.models.shadow_views import shadow_view, side_rows, verdict
from adcascade.errors import InputError
from adcascade.events.journal import Journal
from adcascade.events.records import Click, Impression

ORDER = Order(version="s", share=0.05, who="ann", time_us=START)


def part(value: float, low: float, high: float, *, clicks: int = 30) -> Part:
    """Of a thousand impressions whose served log loss is 0.2."""
    curve = Curve(scenario="", impressions=1000, clicks=clicks, log_loss=0.2)
    return Part(requests=400, served=curve, shadow=curve, difference=Difference(value=value, low=low, high=high))


def test_the_verdict_claims_no_more_than_the_interval() -> None:
    """Lower, higher, or not to be told apart; as a share of what serves; without a click nothing."""
    assert verdict(part(-0.0016, -0.0028, -0.0004)) == (
        "On 1,000 impressions of 400 requests the shadow's log loss is 0.80 % lower (95 % interval: 0.20 % to 1.40 %)."
    )
    assert "0.80 % higher (95 % interval: 0.20 % to 1.40 %)" in verdict(part(0.0016, 0.0004, 0.0028))
    assert "cannot be told apart" in verdict(part(-0.0016, -0.004, 0.0008))
    assert "-0.80 % of what serves (95 % interval: -2.00 % to +0.40 %)" in verdict(part(-0.0016, -0.004, 0.0008))
    assert "nothing can be said yet" in verdict(part(-0.0016, -0.004, 0.0008, clicks=0))


def test_both_are_shown_on_the_same_impressions() -> None:
    """Two lines a part with the same counts, the difference beside the shadow; curves in pairs; nothing lost."""
    records = [record(number, (0.1, 0.2), scenario="ab"[number % 2], alike=0.5) for number in range(20)]
    found = compared(records, {f"r{number}.0" for number in range(20)}, {"r3.0", "r4.0"})
    assert found is not None
    rows = side_rows(found)
    assert [(row.part, row.side, row.impressions) for row in rows] == [
        ("all traffic", "served", "20"), ("all traffic", "shadow", "20"), ("a", "served", "10"),
        ("a", "shadow", "10"), ("b", "served", "10"), ("b", "shadow", "10"),
    ]  # fmt: skip
    assert [bool(row.difference) for row in rows] == [False, True] * 3
    view = shadow_view("s", ORDER, Counts(20, 3, 1), found, "USD")
    assert view is not None
    assert view.running
    assert "20 requests answered again, 3 dropped" in view.counts
    assert "1 failed" in view.counts
    told = {one.name: one.value for one in view.answers}
    assert told["Pairs of candidates in the same order by P(click)"] == "50.0 %"
    assert {value for name, value in told.items() if name.startswith("Revenue")} == {"0.01 USD"}
    assert [one.stage for one in view.stages] == ["ranking", "nann", "all stages"]
    assert [one.name for one in view.figures] == [
        *(f"shadow-{place}-{side}" for place in range(3) for side in ("served", "shadow")), "shadow-auc",
    ]  # fmt: skip


def test_a_bundle_that_never_shadowed_has_no_section() -> None:
    """One that did keeps it, and one that was given up says why."""
    assert shadow_view("t", ORDER, Counts(), None) is None
    ended = shadow_view("s", None, Counts(shadowed=1), None)
    assert ended is not None
    assert (ended.running, ended.state) == (False, "It does not shadow now.")
    failed = shadow_view("s", Order(version="s", share=1.0, who="a", time_us=1, trouble="it failed"), Counts(), None)
    assert failed is not None
    assert (failed.running, failed.trouble) == (False, "it failed")


@given(text=st.text(max_size=8) | st.floats().map(str))
def test_a_share_is_typed_in_percent(text: str) -> None:
    """Between nothing and all, with or without its sign; whatever else is refused."""
    with suppress(InputError):
        assert 0 < share_of(text) <= 1
    assert share_of("5 %") == share_of("5") == 0.05
    for none in ("0", "101", "nan", "five", ""):
        with pytest.raises(InputError, match="at most 100"):
            share_of(none)


def test_only_an_administrator_lets_a_bundle_shadow(at_shelf: AtShelf, key: Key, bundles: Bundles) -> None:
    """Viewers see which one does, and have no form; nothing they send is done."""
    newest = bundles.versions()[-1]
    start(bundles, newest, 0.05, who="ann", time_us=1)
    for role in ("viewer", "manager"):
        visitor = at_shelf(key(role)[1])
        assert "5 % of the requests" in visitor.get("/models").text
        page = visitor.get(f"/models/{newest}").text
        assert "It answers 5 % of the requests again" in page
        assert "shadow-off" not in page
        assert visitor.get(f"/models/{newest}/shadow").status_code == 403
        assert visitor.send(f"/models/{newest}/shadow", {"share": "5"}).status_code == 403
        assert visitor.send("/models/shadow-off", {}).status_code == 403
    assert len(changes(bundles.folder)[0]) == 1


def test_an_administrator_shadows_and_ends_it(at_shelf: AtShelf, key: Key, bundles: Bundles) -> None:
    """After a second look, with his name; a share that is none comes back with what was expected; damage is named."""
    key_id, text = key()
    visitor = at_shelf(text)
    first, _, third = bundles.versions()
    assert f'href="/models/{third}/shadow"' in visitor.get(f"/models/{third}").text
    assert 'value="5"' in visitor.get(f"/models/{third}/shadow").text
    wrong = visitor.send(f"/models/{third}/shadow", {"share": "500"})
    assert wrong.status_code == 422
    assert "at most 100" in wrong.text
    assert order_of(bundles.folder) is None
    assert visitor.send(f"/models/{third}/shadow", {"share": "12.5"}).headers["location"] == f"/models/{third}"
    order = order_of(bundles.folder)
    assert order is not None
    assert (order.version, order.share) == (third, 0.125)
    assert f"key:{key_id}" in order.who
    assert "takes the place of" in visitor.get(f"/models/{first}/shadow").text
    said = visitor.get("/models").text
    assert "let shadow 12.5 % of the requests" in said
    give_up(bundles, order, "its model does not fit", who="server", time_us=2)
    for path in ("/models", f"/models/{third}"):
        assert "its model does not fit" in visitor.get(path).text
    assert visitor.send("/models/shadow-off", {}).headers["location"] == "/models"
    assert order_of(bundles.folder) is None
    damaged = bundles.path(first) / "calibration" / "calibration.json"
    damaged.chmod(0o644)
    damaged.write_bytes(b"?")
    assert visitor.send(f"/models/{first}/shadow", {"share": "5"}).status_code == 409
    assert visitor.get("/models/20260101T000000-00000000/shadow").status_code == 404
    (bundles.folder / FILE).write_bytes(b"?")
    assert "cannot be read" in visitor.get("/models").text


def test_what_was_answered_again_is_shown(at_shelf: AtShelf, key: Key, bundles: Bundles) -> None:
    """From the store beside the log, and from the clicks in the log."""
    third = bundles.versions()[-1]
    folder = bundles.folder.parent
    records = [record(number, (0.1, 0.2), shadow=third) for number in range(30)]
    ShadowStore(folder / "shadow.db").write(third, records, {"shadowed": 30})
    with Journal(folder / "journal.db", commit_every_ms=0.1) as journal:
        journal.append([Impression(id=f"i{k}", time_us=START, bid_id=f"r{k}.0") for k in range(30)])
        journal.append([Click(id="c", time_us=START, bid_id="r7.0")])
    page = at_shelf(key("viewer")[1]).get(f"/models/{third}").text
    assert "On 30 impressions of 30 requests the shadow&#39;s log loss is" in page
    assert "It does not shadow now. 30 requests answered again" in page

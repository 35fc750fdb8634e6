"""The ledger's pages: what they show is what the books hold, whoever looks sees what is theirs, an order books once."""

import csv
import io
import re
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.conftest import Browser, Open
from tests.server.shop import NOW, Shop

from adcascade.catalog.nouns import Ad, Advertiser, Creative
from adcascade.console.pages.ledger.bid import view_of
from adcascade.console.pages.ledger.bookings import before_of, bookings_of
from adcascade.console.pages.ledger.page import table_of, wallets_of
from adcascade.console.pages.ledger.statement import MOST, days_of
from adcascade.console.table import Asked, cursor_of
from adcascade.errors import InputError
from adcascade.events.records import AuctionRecord, Click, Impression, Winner
from adcascade.events.trail import Trail
from adcascade.money.amounts import micros_of, units
from adcascade.money.charge import Charge
from adcascade.money.day import DAY_US, date_of, day_of
from adcascade.money.ledger import Budget, Transfer
from adcascade.money.purses import Purse
from adcascade.server.admin.app import Admin

Key = Callable[..., tuple[str, str]]
TODAY = day_of(NOW)
BID = "auction-1.0"
ODD = "a/b?c&d é"


@pytest.fixture
def moved(admin: Admin, shop: Shop) -> Admin:
    """Veloce topped up 100, was charged 0.123 for a click whose whole story is in the log, and got 0.1 back."""
    books = admin.books
    books.set_budgets({"v-k": Budget(advertiser="v", fee_bp=1_000)}, NOW).result()
    books.transfer(
        Transfer(id="t", kind="top_up", advertiser="v", micros=100_000_000, time_us=NOW, by="Ann", note="invoice 17")
    ).result()
    winner = Winner(
        bid_id=BID, ad=0, slot=0, creative=0, price_micros=123_000, billing="click", ctr=0.1, slot_ctr=0.1, cvr=0.0
    )
    auction = AuctionRecord(
        id="auction-1", time_us=NOW - 3_000_000, user=None, scenario="home", seen={}, winners=(winner,)
    )
    seen = Impression(id="i1", time_us=NOW - 2_000_000, bid_id=BID)
    click = Click(id="c1", time_us=NOW - 1_000_000, bid_id=BID)
    shop.journal.append([auction, seen, click])
    books.charge([Charge(BID, "v-k", 0, 123_000, NOW + DAY_US, NOW - 1_000_000, "c1")]).result()
    books.transfer(
        Transfer(id="r", kind="refund", advertiser="v", micros=100_000, time_us=NOW, bid_id=BID, by="Ben")
    ).result()
    return admin


@pytest.fixture
def browser(opened: Open, key: Key) -> Browser:
    """An administrator's."""
    one = opened()
    one.sign_in(key()[1])
    return one


def wallet(admin: Admin, name: str) -> int:
    """Micros that are free."""
    return admin.books.wallets([name]).result().get(name, 0)


def order_in(page: httpx.Response) -> str:
    """The order's id that a page's forms carry."""
    found = re.search(r'name="id" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


# ---- wallets


def test_the_list_shows_what_the_books_hold(moved: Admin, browser: Browser) -> None:
    """Every advertiser, also one without a purse; search finds by name; sums are over all."""
    page = browser.get("/ledger").text
    assert "Veloce" in page
    assert "Wolle" in page
    assert page.count("99.98") == 2  # in its row, and as the sum
    assert "Wolle" not in browser.get("/wallets?search=veloce", hx_request="true").text
    assert browser.get("/ledger?sort=colour").status_code == 400


def test_ten_thousand_wallets_are_sent_a_page_at_a_time() -> None:
    """Sorted by what is free, page after page they are all there once, in order."""
    people = [Advertiser(id=f"a{number:05}", prepaid=number % 2 == 0) for number in range(10_000)]
    purses = {one.id: Purse(free=hash(one.id) % 977) for one in people}
    wallets, seen, after = wallets_of(people, purses), [], ""
    for _ in range(3):
        table = table_of(wallets, Asked(sort="-free", after=after))
        seen += [row.id for row in table.rows]  # type: ignore[attr-defined]
        after = table.after
    assert len(set(seen)) == 150
    wanted = sorted(people, key=lambda one: (purses[one.id].free, one.id), reverse=True)
    assert seen == [one.id for one in wanted[:150]]


# ---- whose


def test_a_key_of_one_advertiser_sees_its_own_wallet_alone(moved: Admin, opened: Open, key: Key) -> None:
    """The list holds no other, neither do its sums; another's account, file, bookings and bids are not there."""
    own, other = opened(), opened()
    own.sign_in(key("viewer", advertisers=("v",))[1])
    other.sign_in(key("viewer", advertisers=("w",))[1])
    assert "Wolle" not in own.get("/ledger").text
    assert "99.98" not in other.get("/ledger").text
    for path in ("/ledger/v", "/ledger/v/bookings", "/ledger/v/statement.csv", f"/ledger/bid/{BID}"):
        assert own.get(path).status_code == 200, path
        assert other.get(path).status_code == 404, path
    assert own.get("/ledger/bid/auction-1.7").status_code == 404  # nobody's: the answer does not name it


def test_a_bid_that_was_not_booked_is_its_advertisers(admin: Admin, shop: Shop, opened: Open, key: Key) -> None:
    """By the ad that won, removed since or not: its own key reads the story, another's is told that there is none."""
    ads = [
        Ad(id=f"{one}-ad", campaign=f"{one}-k", product="p", title="t", url="https://v.example/x",
           creatives=(Creative(id="c", title="t"),))
        for one in "vw"
    ]  # fmt: skip
    admin.catalog.put([], [], ads)
    rows = {ad.id: row for row, ad in enumerate(ads)}
    admin.catalog.remove_ads(["w-ad"])
    winners = tuple(
        Winner(
            bid_id=f"quiet.{place}", ad=rows[f"{one}-ad"], slot=place, creative=0, price_micros=1, billing="click",
            ctr=0.1, slot_ctr=0.1, cvr=0.0,
        )
        for place, one in enumerate("vw")
    )  # fmt: skip
    shop.journal.append([AuctionRecord(id="quiet", time_us=NOW, user=None, scenario="home", seen={}, winners=winners)])
    for place, one in enumerate("vw"):
        for other in "vw":
            browser = opened()
            browser.sign_in(key("viewer", advertisers=(other,))[1])
            page = browser.get(f"/ledger/bid/quiet.{place}")
            assert page.status_code == (200 if one == other else 404)
            assert (f'href="/ledger/{one}"' in page.text) == (one == other)
            assert browser.get("/ledger/bid/quiet.9").status_code == 404


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("manager", 403), ("administrator", 303)])
def test_money_is_moved_with_the_scope_for_it_alone(
    admin: Admin, opened: Open, key: Key, role: str, status: int
) -> None:
    """Who only reads sees no form, and is refused where it is sent all the same."""
    browser = opened()
    browser.sign_in(key(role)[1])
    page = browser.get("/ledger/v")
    assert page.status_code == 200
    assert ("Move money" in page.text) == (status == 303)
    assert browser.send("/ledger/v/top_up", {"top_up_amount": "5", "id": "abc"}).status_code == status
    assert wallet(admin, "v") == (5_000_000 if status == 303 else 0)


def test_an_administrator_of_one_advertiser_tops_up_no_other(admin: Admin, opened: Open, key: Key) -> None:
    """The other is not there for him."""
    browser = opened()
    browser.sign_in(key("administrator", advertisers=("v",))[1])
    token = browser.token("/ledger")
    assert browser.send("/ledger/w/top_up", {"top_up_amount": "5", "id": "abc"}, token).status_code == 404
    assert browser.send("/ledger/v/top_up", {"top_up_amount": "5", "id": "abc"}, token).status_code == 303
    assert (wallet(admin, "v"), wallet(admin, "w")) == (5_000_000, 0)


# ---- orders


def test_a_form_sent_twice_books_once(admin: Admin, browser: Browser) -> None:
    """The second sending moves nothing and says so; the page loaded anew moves money again."""
    sent = {"top_up_amount": "12.50", "top_up_note": "invoice 17", "id": order_in(browser.get("/ledger/v"))}
    first = browser.send("/ledger/v/top_up", sent)
    assert (first.status_code, first.headers["location"]) == (303, "/ledger/v")
    assert "12.50 USD booked; the wallet of Veloce holds 12.50 USD." in browser.get("/ledger/v").text
    browser.send("/ledger/v/top_up", sent)
    assert "Booked once" in browser.get("/ledger/v").text
    assert wallet(admin, "v") == 12_500_000
    browser.send("/ledger/v/top_up", sent | {"id": order_in(browser.get("/ledger/v"))})
    assert wallet(admin, "v") == 25_000_000
    _, entry = next(iter(admin.books.entries(advertiser="v")))
    assert (entry.note, entry.by[:4]) == ("invoice 17", "key:")


def test_more_than_the_wallet_holds_is_not_paid_out(moved: Admin, browser: Browser) -> None:
    """The form comes back with what was typed, what is there, and the same order; less is paid out."""
    sent = {"payout_amount": "100", "id": "abc"}
    back = browser.send("/ledger/v/payout", sent)
    assert back.status_code == 422
    assert "at most what is in the wallet, 99.977" in back.text
    assert 'value="100"' in back.text
    assert order_in(back) == "abc"
    assert browser.send("/ledger/v/payout", sent | {"payout_amount": "99.977"}).status_code == 303
    assert wallet(moved, "v") == 0


@pytest.mark.parametrize("amount", ["", "x", "0", "-1", "1e30", "0.0000001", "NaN", "Infinity", "1,5"])
def test_an_amount_that_is_none_moves_nothing(admin: Admin, browser: Browser, amount: str) -> None:
    """The form says so, as one types and when it is sent."""
    assert browser.send("/ledger/v/top_up", {"top_up_amount": amount, "id": "abc"}).status_code == 422
    told = browser.send("/ledger/v/check/top_up_amount", {"top_up_amount": amount}, hx_request="true")
    assert "expected" in told.text
    assert wallet(admin, "v") == 0


@pytest.mark.parametrize("order", ["", "a b", "x" * 65, "../x"])
def test_a_form_without_its_order_moves_nothing(admin: Admin, browser: Browser, order: str) -> None:
    """It is refused: without the id it could be booked twice."""
    assert browser.send("/ledger/v/top_up", {"top_up_amount": "5", "id": order}).status_code == 400
    assert wallet(admin, "v") == 0


# ---- accounts


def test_the_file_adds_up_to_the_page(moved: Admin, browser: Browser) -> None:
    """One line a day and one a campaign; closing = opening + top-ups - pay-outs - charges + refunds, in micros."""
    answer = browser.get(f"/ledger/v/statement.csv?from={date_of(TODAY - 1)}&to={date_of(TODAY)}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="statement-v-')
    days = [row for row in csv.DictReader(io.StringIO(answer.text)) if not row["campaign"]]
    assert [row["date"] for row in days] == [str(date_of(TODAY - 1)), str(date_of(TODAY))]
    for row in days:
        told = {name: int(row[name]) for name in ("opening", "top_ups", "payouts", "charges", "refunds", "closing")}
        moved_in = told["top_ups"] + told["refunds"] - told["payouts"] - told["charges"]
        assert told["closing"] == told["opening"] + moved_in
    assert days[-1]["closing"] == str(wallet(moved, "v"))
    page = browser.get(f"/ledger/v?from={date_of(TODAY - 1)}&to={date_of(TODAY)}").text
    assert units(int(days[-1]["closing"])) in page
    assert "invoice 17" in page
    assert "Ann" in page


@pytest.mark.parametrize("query", ["from=soon", "from=2025-06-16&to=2025-06-15", "from=2020-01-01&to=2025-06-15"])
def test_days_that_cannot_be_are_refused(browser: Browser, query: str) -> None:
    """By name; the page shows a year at most, the file more."""
    assert browser.get(f"/ledger/v?{query}").status_code == 400
    assert browser.get(f"/ledger/v/statement.csv?{query}").status_code == (200 if "2020" in query else 400)


@given(today=st.integers(-10_000, 40_000), back=st.integers(0, MOST - 1))
def test_the_days_asked_for_are_those_shown(today: int, back: int) -> None:
    """What the address names comes back; without words it is the week that ends today."""
    named = days_of({"from": str(date_of(today - back)), "to": str(date_of(today))}, 0)
    assert (named.first_number, named.last_number) == (today - back, today)
    assert days_of({}, today).first_number == today - 6


def test_an_account_stands_at_its_id_whatever_that_is(admin: Admin, browser: Browser) -> None:
    """With slashes, question marks, other alphabets; its links and forms lead back to it."""
    admin.catalog.put([Advertiser(id=ODD), Advertiser(id="bid"), Advertiser(id="rows")])
    url = f"/ledger/{quote(ODD, safe='')}"
    assert f'href="{url}"' in browser.get("/ledger").text
    assert f'action="{url}/top_up"' in browser.get(url).text
    assert browser.send(f"{url}/top_up", {"top_up_amount": "5", "id": "abc"}).headers["location"] == url
    assert wallet(admin, ODD) == 5_000_000
    assert {browser.get(f"/ledger/{name}").status_code for name in ("bid", "rows")} == {200}
    assert browser.get("/ledger/nobody").status_code == 404


def test_bookings_come_newest_first_and_each_once(admin: Admin) -> None:
    """Page after page they are the ledger's bookings the other way round, while new ones are booked in between."""
    for number in range(7):
        order = Transfer(id=f"t{number}", kind="top_up", advertiser="v", micros=number + 1, time_us=NOW)
        admin.books.transfer(order).result()
    wanted = [number for number, _ in admin.books.entries(advertiser="v")][::-1]
    seen, after = [], ""
    while True:
        table = bookings_of(admin.books, "v", after, "/ledger/v", size=3)
        seen += [row.number for row in table.rows]  # type: ignore[attr-defined]
        after = table.after
        if not after:
            break
        admin.books.transfer(Transfer(id=f"late{after}", kind="top_up", advertiser="v", micros=1, time_us=NOW)).result()
    assert seen == wanted


@pytest.mark.parametrize("cursor", ["x", "%", cursor_of("word", ""), cursor_of(-1, ""), cursor_of(1e300, "")])
def test_a_cursor_of_another_table_is_refused(cursor: str) -> None:
    """By name."""
    with pytest.raises(InputError, match="after"):
        before_of(cursor)


# ---- bids


def test_a_bid_tells_its_story_in_order(moved: Admin, browser: Browser) -> None:
    """Auction, impression, click, charge with its fee, refund; the booking on the account leads to it."""
    assert f'href="/ledger/bid/{BID}"' in browser.get("/ledger/v").text
    page = browser.get(f"/ledger/bid/{BID}").text
    told = re.findall(r'<th scope="row">([^<]+)</th>', page)
    assert told == ["Auction", "Impression", "Click", "Charge", "Fee", "Refund", "Refund"]
    assert "0.123 USD per click" in page
    assert 'class="says"' not in page  # no gap
    typed = browser.send("/wallets/bid", {"id": f" {BID} "})
    assert typed.headers["location"] == f"/ledger/bid/{BID}"
    assert browser.get("/ledger/bid/nobody.0").status_code == 404
    assert browser.send("/wallets/bid", {}).status_code == 400


def test_what_cannot_be_told_is_said(moved: Admin) -> None:
    """Books without a log, a log without books, a log that is sealed: each a sentence, and the sums are right."""
    entries = list(moved.books.entries(bid_id=BID))
    bare = view_of(Trail(bid_id=BID), entries, "USD", "/ledger/v")
    assert any("does not know the auction" in gap for gap in bare.gaps)
    assert any("c1, is not in this machine's log" in gap for gap in bare.gaps)
    assert (micros_of(bare.charged), micros_of(bare.refunded)) == (123_000, 100_000)
    sealed = view_of(Trail(bid_id=BID, auction_us=NOW, searched_all=False), [], "USD", "")
    assert len(sealed.gaps) == 3
    assert sealed.steps[0].words.startswith("Sealed")

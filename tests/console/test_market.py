"""The page of the market: dials, what is wrong with them, who may turn them, and what a run found."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from selenium.webdriver import Keys
from tests.console.chromium import Person
from tests.console.conftest import Browser
from tests.console.test_market_runs import SHORT, SIZES

from adcascade.access.keys import Role
from adcascade.closedloop.market_order import DIALS, Order, order_of_texts
from adcascade.closedloop.market_run import run_market
from adcascade.closedloop.world import World, continued
from adcascade.console.market_runs import MarketRuns, Run, Started
from adcascade.console.pages.market.form import FIELDS, REST, checked, ordered, values_of
from adcascade.console.pages.market.views import CHARTS, charts_of, pairs_of, shown_of, table_of
from adcascade.console.table import Asked
from adcascade.errors import CallerError

Key = Callable[..., tuple[str, str]]
TEXTS = values_of(SHORT)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One that is done."""
    runs = MarketRuns(tmp_path_factory.mktemp("runs"))
    run_market(runs.folder / "first", SHORT)
    return runs.read("first")


def test_the_form_asks_for_every_dial_once() -> None:
    """With its words and bounds; the same texts mean the order that they were made of."""
    names = [field.name for field in FIELDS]
    assert sorted(names) == sorted({*DIALS, "seed", "warm_up", "ticks", "cascade"})
    assert {name for name, (one, _) in DIALS.items() if not one.first} == REST
    assert all(field.hint for field in FIELDS)
    assert ordered(values_of(SHORT)) == (SHORT, {})
    turned = Order(dials={"embed_pictures": True, "noise": 0.0}, seed=3, cascade=True)
    assert ordered(values_of(turned)) == (turned, {})


def test_what_is_wrong_stands_at_its_field() -> None:
    """All that is wrong alone at once; then what is wrong together, as one types too."""
    _, wrong = ordered(TEXTS | {"users": "x", "base_ctr": "0.9"})
    assert set(wrong) == {"users", "base_ctr"}
    _, wrong = ordered(TEXTS | {"ads": "5"})
    assert set(wrong) == {"ads"}
    together = checked("ads", TEXTS | {"ads": "5"}).wrong
    assert together is not None
    assert "at least as many ads as campaigns" in together.expected
    assert checked("users", TEXTS | {"ads": "5"}).wrong is None
    assert checked("ads", TEXTS).wrong is None


def test_a_run_is_told_as_far_as_it_has_got(run: Run) -> None:
    """Half of its steps give half of its charts and figures; none give none, and no error."""
    whole = shown_of(run, "x")
    assert [one.name for one in whole.policies] == ["random", "popularity", "oracle"]
    assert whole.policies[-1].share == "100.0 %"
    assert all(len(chart.rows) == SHORT.ticks for chart in whole.charts)
    spent = [row.values[-1] or 0.0 for row in whole.charts[-1].rows]
    assert spent == sorted(spent)
    half = msgspec.structs.replace(run, state="running", result=None, steps=run.steps[:-3])
    shown = shown_of(half, "x")
    assert [len(chart.rows) for chart in shown.charts] == [SHORT.ticks - 3] * len(CHARTS)
    assert (shown.done, shown.of, shown.running) == (SHORT.ticks - 3, SHORT.ticks, True)
    assert shown_of(msgspec.structs.replace(half, steps=()), "x").policies == ()


def test_long_runs_are_drawn_by_the_hour(run: Run) -> None:
    """As soon as a point a tick would be too many."""
    long = msgspec.structs.replace(SHORT, ticks=1000)
    assert {len(chart.rows) for chart in charts_of(run.steps, long)} == {2}


def test_two_runs_are_compared_by_what_differs(run: Run) -> None:
    """Dials that differ and every policy; a run beside itself differs in no dial."""
    order = order_of_texts(TEXTS | {"noise": "0", "seed": "7"})
    labels = [pair.label for pair in pairs_of(run, msgspec.structs.replace(run, order=order))]
    assert labels[:2] == ["Noise", "Seed"]
    pairs = pairs_of(run, run)
    assert all(":" in pair.label and pair.this == pair.other for pair in pairs)
    assert len(pairs) == 9


def test_the_table_holds_every_run_once(run: Run) -> None:
    """By any order, damaged ones too; a search looks into dials and states."""
    broken = Run(id="broken", state="damaged", started=Started(), order=None)
    for sort in ("-started", "state", "seed", "-ticks", "share"):
        table = table_of([run, broken], Asked(sort=sort))
        assert sorted(row.id for row in table.rows) == ["broken", "first"]  # type: ignore[attr-defined]
    assert table_of([run, broken], Asked(sort="state", search="users 60")).total == 1


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_who_is_no_administrator_looks_on(opened: Callable[..., Browser], key: Key, role: Role) -> None:
    """No form, and nothing started, stopped or deleted."""
    browser = opened()
    browser.sign_in(key(role)[1])
    page = browser.get("/market")
    assert page.status_code == 200
    assert "Administrators start runs" in page.text
    for path in ("/market", "/market/x/stop", "/market/x/delete"):
        assert browser.send(path, TEXTS).status_code == 403


def test_the_settings_may_forbid_runs(
    opened: Callable[..., Browser], key: Key, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The page says so, and starts none."""
    monkeypatch.setenv("ADCASCADE_CONSOLE__MARKET_RUNS", "false")
    browser = opened()
    browser.sign_in(key()[1])
    assert "console.market_runs" in browser.get("/market").text
    assert browser.send("/market", TEXTS).status_code == 403
    assert not (tmp_path / "market-runs").exists()


def test_a_run_from_its_form_to_its_end(opened: Callable[..., Browser], key: Key, tmp_path: Path) -> None:
    """What is wrong comes back; then it begins, asks for itself until its end, gives its result, and is deleted."""
    browser = opened()
    browser.sign_in(key()[1])
    refused = browser.send("/market", TEXTS | {"organic": "0"})
    assert refused.status_code == 422
    assert "a number from 1 to 20" in refused.text
    assert "<details open>" in refused.text
    begun = browser.send("/market", TEXTS)
    assert begun.status_code == 303
    path = begun.headers["location"]
    again = browser.send("/market", TEXTS | {"noise": "0.5"})
    assert again.status_code == 409
    assert "one runs at a time" in again.text
    assert 'value="0.5"' in again.text
    part = browser.get(f"{path}/now").text
    assert "every 2s" in part
    deadline = time.monotonic() + 60
    while "every 2s" in part:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        part = browser.get(f"{path}/now").text
    assert ">Done<" in part
    assert "oracle" in part
    assert browser.get(f"{path}/result.json").json()["policies"]["oracle"]["share"] == 1
    assert f"--seed={SHORT.seed}" in browser.get(path).text
    assert f'value="{SIZES["users"]}"' in browser.get(f"/market?like={path.rpartition('/')[2]}").text
    assert "Delete this run?" in browser.get(f"{path}/delete").text
    assert browser.send(f"{path}/delete", {}).headers["location"] == "/market"
    assert browser.get(path).status_code == 404


def test_only_a_simulated_market_offers_its_own(opened: Callable[..., Browser], key: Key, tmp_path: Path) -> None:
    """No form and no run elsewhere; there, how long it may last is checked, and what it lacks is said by the run."""
    browser = opened()
    browser.sign_in(key()[1])
    assert "own market" not in browser.get("/market").text
    assert browser.send("/market-own", {"own_ticks": "3"}).status_code == 404
    World(seed=0, views_per_tick=20.0, tick=6).save(tmp_path)
    assert "own market" in browser.get("/market").text
    refused = browser.send("/market-own", {"own_ticks": "0"})
    assert refused.status_code == 422
    assert "a whole number from 1 to 1,008" in refused.text
    order = continued(tmp_path, 3)
    (tmp_path / "journal.db").unlink()
    with pytest.raises(CallerError, match="no event log"):
        run_market(tmp_path / "market-runs" / "own", order)
    page = browser.get("/market/own").text
    assert "no event log" in page
    assert "Run it again" not in page


def test_a_run_that_failed_shows_its_sentence(opened: Callable[..., Browser], key: Key, tmp_path: Path) -> None:
    """As it stands in error.txt."""
    with pytest.raises(Exception, match="ads is 3"):
        run_market(tmp_path / "market-runs" / "small", Order(dials={"ads": 3}))
    browser = opened()
    browser.sign_in(key("viewer")[1])
    page = browser.get("/market/small").text
    assert ">Failed<" in page
    assert "at least as many ads as campaigns" in page


def test_an_administrator_watches_the_oracle_win(person: Person, administrator: str) -> None:
    """A wrong dial is said at once; then a small market without neighbours runs, its charts fill by themselves and end
    by themselves, and the oracle stands above random."""
    person.sign_in(administrator)
    person.go("/market")
    person.complaints()
    person.ask("document.querySelector('#base_ctr').select()")
    person.press("2")
    trouble = "return document.querySelector('#base_ctr-trouble').textContent"
    person.wait(f"{trouble}.includes('below 0.5')")
    person.ask("document.querySelector('#base_ctr').select()")
    person.press("0.05")
    person.wait(f"{trouble} == ''")
    dials = SIZES | {"neighbour_strength": "0", "warm_up": "72", "ticks": "36", "median_daily_budget_usd": "300"}
    fill = "for (const [name, value] of Object.entries(arguments[0])) document.getElementById(name).value = value"
    person.ask(fill, dials)
    person.ask("document.querySelector('.market-dials button').focus()")
    person.press(Keys.ENTER)
    person.wait("return document.querySelector('#market-now') != null && document.readyState == 'complete'")
    person.ask("window.kept = true")
    person.wait("return document.querySelector('#market-now [role=status]').textContent == 'Done'")
    assert person.ask("return window.kept") is True
    assert person.ask("return document.querySelector('#market-now').hasAttribute('hx-get')") is False
    assert person.ask("return document.querySelectorAll('#chart-market-welfare tbody tr').length") == 36
    assert person.ask("return document.querySelectorAll('.chart canvas').length") == len(CHARTS)
    welfare = "return [...document.querySelectorAll('#policies tbody tr')].map((row) => +row.cells[2].textContent)"
    random, _, oracle = person.ask(welfare)
    assert oracle > random > 0
    assert person.complaints() == []

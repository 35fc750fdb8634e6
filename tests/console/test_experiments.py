"""The page of experiments: what the store, the log and the process say, in words; who divides the traffic, and how."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.conftest import Browser, Clock, Open
from tests.experiments.test_planning import day
from tests.experiments.test_results import PLAN, world
from tests.experiments.test_verdict import figures_of, results
from tests.server.shop import NOW, OPTIONS, Shop

from adcascade.cascade.bundle import Bundles
from adcascade.console.console import console_fronts
from adcascade.console.pages.experiments.figures import allocation_figure, belief_figure, difference_figures
from adcascade.console.pages.experiments.plan import days_in_words
from adcascade.console.pages.experiments.results import Cell, Line, caution_of, count_lines, figure_lines, looked_words
from adcascade.console.pages.experiments.views import (
    arm_rows,
    changes_in_words,
    here_of,
    live_of,
    state_of,
    table_of,
    to_settings,
)
from adcascade.console.table import Asked
from adcascade.experiments.experiment import Allocation, Experiment, Variant
from adcascade.experiments.looking_back import look_back
from adcascade.experiments.outcomes import HOUR_US
from adcascade.experiments.planning import traffic_of
from adcascade.experiments.store import ExperimentStore, Stored
from adcascade.server.admin.app import Admin
from adcascade.server.app import create_app
from adcascade.settings import Settings, changed_settings

START = NOW - 60 * HOUR_US
Key = Callable[..., tuple[str, str]]
RULES = Experiment(
    name="rules", variants=(Variant(name="control"), Variant(name="first", changes={"auction.rule": "first_price"}))
)
FORM = {
    "name": "new-one", "unit": "user", "kind": "fixed", "arm1_name": "control", "arm2_name": "first",
    "arm2_settings": "auction.rule=first_price",
}  # fmt: skip
PATHS = ("/experiment-new", "/experiments/rules/start", "/experiments/rules/stop")


@pytest.fixture
def store(admin: Admin, shop: Shop) -> ExperimentStore:
    """An adaptive experiment that ran over the log of a known world and was allocated anew once, and a draft."""
    store = admin.experiments
    store.create(PLAN, (0.5, 0.5), START)
    store.set_status("plan", "running", START)
    store.allocate("plan", (0.4, 0.6), START + 5 * HOUR_US, "by what the clicks say")
    shop.journal.append(
        [msgspec.structs.replace(record, time_us=record.time_us + START) for _, record in world(1000, 4)]
    )
    store.create(RULES, (0.9, 0.1), NOW - HOUR_US)
    shop.split = {
        "running": "plan", "users pinned": 9,
        "arms": [{"arm": arm, "share of new units": 0.5, "requests": 500} for arm in PLAN.arms],
    }  # fmt: skip
    return store


@pytest.fixture
def browser(opened: Open, key: Key, store: ExperimentStore) -> Callable[[str], Browser]:
    """browser(role) -> somebody signed in."""

    def signed_in(role: str) -> Browser:
        made = opened()
        made.sign_in(key(role)[1])
        return made

    return signed_in


# ---- views


def stored(experiment: Experiment = RULES, *statuses: tuple[str, int, int]) -> Stored:
    """With these statuses after the draft."""
    return msgspec.convert(
        {
            "experiment": experiment, "created_us": 0, "statuses": (("draft", 0, 0), *statuses),
            "allocations": (Allocation(number=1, from_us=0, shares=(0.9, 0.1)),),
        },
        Stored,
    )  # fmt: skip


def test_the_state_tells_whether_this_process_takes_part() -> None:
    """Running here; waiting until it is taken up; in trouble, with the reason; else what the store says."""
    running = stored(RULES, ("running", 1, 0))
    arms = [{"arm": "control", "share of new units": 0.9, "requests": 3}]
    here = here_of({"running": "rules", "users pinned": 0, "arms": arms})
    assert state_of(running, here) == "running"
    assert live_of(running, here).arms[0].requests == 3
    assert state_of(running, here_of({"running": "none"})) == "waiting"
    assert state_of(running, here_of({"running": "older", "arms": arms})) == "waiting"
    assert live_of(running, here_of({"running": "older", "arms": arms})).arms == ()
    troubled = live_of(running, here_of({"running": "none", "trouble": "an arm could not be loaded"}))
    assert (troubled.state, troubled.trouble, troubled.waits) == ("in trouble", "an arm could not be loaded", True)
    for one, state in ((stored(), "draft"), (stored(RULES, ("running", 1, 0), ("stopped", 2, 0)), "stopped")):
        assert state_of(one, here) == state
        assert not live_of(one, here).waits


@given(count=st.integers(0, 130), sort=st.sampled_from(["name", "-since", "kind"]))
def test_the_list_holds_every_experiment_once(count: int, sort: str) -> None:
    """Page by page, by any order."""
    all_of_them = [stored(msgspec.structs.replace(RULES, name=f"e{n}")) for n in range(count)]
    names: list[str] = []
    after = ""
    while True:
        table = table_of(all_of_them, Asked(sort=sort, after=after), here_of({}))
        names += [row.name for row in table.rows]  # type: ignore[attr-defined]
        after = table.after
        if not after:
            break
    assert sorted(names) == sorted(f"e{n}" for n in range(count))


def test_an_arm_is_told_beside_what_holds_without_it() -> None:
    """With the words of the setting; a key that this version does not know is told as it is."""
    settings = Settings(directory=Path())
    assert changes_in_words(Variant(name="a"), settings) == ("nothing: as the installation is",)
    told = changes_in_words(
        Variant(name="b", changes={"bundle": "v1", "auction.rule": "vcg", "auction.old": "1"}), settings
    )
    assert told == (
        "bundle v1 answers, whichever serves",
        "auction.rule (who pays what): vcg instead of gsp",
        "auction.old: 1",
    )
    assert [row.share for row in arm_rows(stored(), settings)] == ["90.0 %", "10.0 %"]


@pytest.mark.parametrize(
    "changes",
    [
        {"auction.rule": "vcg", "auction.reserve_micros": "400000", "engine.exploration": "0.25"},
        {"bundle": "v1", "engine.prerank": "50"},
        {"bundle": "v1"},
    ],
)
def test_an_arm_becomes_lines_of_the_settings(changes: dict[str, str]) -> None:
    """Read as TOML they are the settings that the arm had."""
    variant, plain = Variant(name="b", changes=changes), Settings(directory=Path())
    read = tomllib.loads(to_settings(variant))
    made = Settings.model_validate({"directory": Path(), **read})
    assert made == changed_settings(plain, variant.settings)


def test_the_figures_are_those_of_the_results() -> None:
    """A line a figure, one for each difference with its sign and whether it is shown; counts beside them."""
    found = results(figures_of(1.0, 1.0, 1.2))
    lines = figure_lines(found, "EUR")
    revenue = next(k for k, line in enumerate(lines) if line.name == "Revenue of 1,000 requests, EUR")
    assert lines[revenue + 1].strong
    assert lines[revenue + 1].cells[1] == Cell("+20.0 %, higher", "+18.6 % to +21.4 %")
    assert sum(line.strong for line in lines) == 1
    assert count_lines(found)[0] == Line(name="Units", cells=(Cell("5,000"), Cell("5,000")))
    assert "users to see 5 % of revenue per request" in caution_of(stored(RULES, ("running", 1, 0)), found)


def test_figures_over_time_hold_what_was_stored_and_counted(store: ExperimentStore, shop: Shop) -> None:
    """Each allocation from its time until the next; the posterior by instant; differences once there are units."""
    plan = store.get("plan")
    look = look_back(shop.journal.path, plan, NOW)
    allocation = allocation_figure(plan, NOW)
    assert [row.x for row in allocation.rows] == [START, START + 5 * HOUR_US, START + 5 * HOUR_US, NOW]
    assert [row.values for row in allocation.rows] == [(0.5, 0.5), (0.5, 0.5), (0.4, 0.6), (0.4, 0.6)]
    belief = belief_figure(look)
    assert len(belief.rows) == len(look.at) == 12
    for row in belief.rows:
        means, lows, highs = row.values[::3], row.values[1::3], row.values[2::3]
        assert all(low < mean < high for low, mean, high in zip(lows, means, highs, strict=True))  # type: ignore[operator]
    assert belief.rows[-1].values[3] == look.newest.arms[1].belief.value
    apart = difference_figures(look)
    assert any("Conversions per click against a" in figure.title for figure in apart)
    assert all(len(row.values) == 3 for figure in apart for row in figure.rows)
    assert "all since" in looked_words(look, "user")
    assert "newest 300" in looked_words(look_back(shop.journal.path, plan, NOW, records=300), "user")


def test_many_allocations_are_drawn_by_some() -> None:
    """The first and the last are among them."""
    many = tuple(Allocation(number=n, from_us=n, shares=(0.5, 0.5)) for n in range(1, 5000))
    one = msgspec.structs.replace(stored(PLAN, ("running", 1, 0)), allocations=many)
    rows = allocation_figure(one, 6000).rows
    assert len(rows) <= 2 * 61
    assert (rows[0].x, rows[-2].x, rows[-1].x) == (1, 4999, 6000)


def test_days_are_told_where_the_log_knows_them() -> None:
    """By figure, in two digits; else that they are not known."""
    told = days_in_words(RULES, (0.5, 0.5), traffic_of(day(), "user"))
    assert "in clicks per request" in told
    assert "in revenue per request" in told
    assert "240 users a day" in told
    assert "is not known" in days_in_words(RULES, (0.5, 0.5), traffic_of(day()[:9], "user"))
    assert "is not known" in days_in_words(RULES, (0.5, 0.5), None)
    assert "more days than anybody waits" in days_in_words(RULES, (1.0, 0.0), traffic_of(day(), "user"))


# ---- the page


def test_a_viewer_sees_everything_and_divides_nothing(
    browser: Callable[[str], Browser], store: ExperimentStore
) -> None:
    """List and experiment with verdict and arms; no way to create, start or stop, by page or by form."""
    for role in ("viewer", "manager"):
        visitor = browser(role)
        listed = visitor.get("/experiments").text
        assert "plan</a> has the traffic" in listed
        assert "control 90 %, first 10 %" in listed
        assert "/experiment-new" not in listed
        one = visitor.get("/experiments/plan")
        assert one.status_code == 200
        assert "more conversions per click than &#39;a&#39;" in one.text
        assert "/stop" not in one.text
        assert "Conversions per click, as believed" in one.text
        for path in PATHS:
            assert visitor.get(path).status_code == 403
            assert visitor.send(path, FORM).status_code == 403
        assert visitor.send("/experiment-new/check/name", {"name": "x"}).status_code == 403
    assert [(one.experiment.name, one.status) for one in store.all()] == [("plan", "running"), ("rules", "draft")]


def test_parts_tell_what_came_and_what_goes_on(
    browser: Callable[[str], Browser], store: ExperimentStore, shop: Shop, clock: Clock
) -> None:
    """Units, requests and the verdict in one sentence; requests by arm here, asked for again while one waits."""
    visitor = browser("viewer")
    told = visitor.get("/experiment-so-far/plan").text
    assert "1,000 users, 1,000 requests" in told
    assert "is better than" in told
    assert "never had traffic" in visitor.get("/experiment-so-far/rules").text
    live = visitor.get("/experiment-live/plan").text
    assert "500 requests here" in live
    assert 'hx-trigger="every 2s"' in live
    assert "hx-trigger" not in visitor.get("/experiment-live/rules").text
    shop.split = {"running": "none", "trouble": "experiment plan: an arm could not be loaded"}
    assert "an arm could not be loaded" in visitor.get("/experiments").text
    assert "in trouble" in visitor.get("/experiments/plan").text
    store.set_status("plan", "stopped", clock.now_us)
    assert "hx-trigger" not in visitor.get("/experiment-live/plan").text


def test_an_administrator_creates_starts_and_stops(browser: Callable[[str], Browser], store: ExperimentStore) -> None:
    """A draft first; a second look at what will happen; one at a time; and what was stopped stays so."""
    visitor = browser("administrator")
    assert visitor.send("/experiment-new", FORM).headers["location"] == "/experiments/new-one/start"
    assert store.get("new-one").status == "draft"
    look = visitor.get("/experiments/new-one/start").text
    assert "first_price instead of gsp" in look
    assert "50.0 % &#39;control&#39;" in look
    assert "plan</a> has the traffic" in look
    late = visitor.send("/experiments/new-one/start", {})
    assert late.status_code == 409
    assert "stop it first" in late.text
    assert "It is stopped for good" in visitor.get("/experiments/plan/stop").text
    assert visitor.send("/experiments/plan/stop", {}).status_code == 303
    assert visitor.send("/experiments/plan/stop", {}).status_code == 409
    assert visitor.send("/experiments/new-one/start", {}).headers["location"] == "/experiments/new-one"
    assert [one.status for one in store.all()] == ["stopped", "draft", "running"]
    assert "rule = &#34;first_price&#34;" in visitor.get("/experiments/new-one").text
    assert "given up for good" in visitor.get("/experiments/rules/stop").text


def test_what_cannot_be_used_comes_back_beside_its_field(
    browser: Callable[[str], Browser], store: ExperimentStore, tmp_path: Path
) -> None:
    """A name that was used, a wrong setting, a damaged bundle; the form holds what was written, nothing was made."""
    visitor = browser("administrator")
    bundles = Bundles(tmp_path / "bundles")

    def fill(folder: Path) -> None:
        (folder / "a").write_text("1")

    version = bundles.write(fill, created_us=NOW, schema="s", methods={}, metrics={}).version
    damaged = bundles.path(version) / "a"
    damaged.chmod(0o644)
    damaged.write_text("2")
    for more, said in (
        ({"name": "plan"}, "a name that no experiment had"),
        ({"arm2_settings": "auction.rule=dutch"}, "settings that an arm may have"),
        ({"arm2_bundle": version}, "a bundle as it was written"),
    ):
        answer = visitor.send("/experiment-new", FORM | more)
        assert answer.status_code == 422
        assert said in answer.text
        assert "1 of the fields holds" in answer.text
        assert 'value="first"' in answer.text
    assert len(store.all()) == 2
    assert "settings that an arm may have" in visitor.send(
        "/experiment-new/check/arm2_settings", {"arm2_settings": "auction.rule=dutch"}
    ).text  # fmt: skip


def test_an_arm_that_cannot_be_served_is_not_started(browser: Callable[[str], Browser], store: ExperimentStore) -> None:
    """Its bundle went away after it was written down: 409, and it stays a draft."""
    store.set_status("plan", "stopped", NOW)
    gone = Experiment(name="gone", variants=(Variant(name="a"), Variant(name="b", changes={"bundle": "v0"})))
    store.create(gone, (0.5, 0.5), NOW)
    visitor = browser("administrator")
    answer = visitor.send("/experiments/gone/start", {})
    assert answer.status_code == 409
    assert "nothing was changed" in answer.text
    assert store.get("gone").status == "draft"


def test_unknown_names_are_not_found(browser: Callable[[str], Browser]) -> None:
    """By every route that names an experiment."""
    visitor = browser("administrator")
    for path in ("/experiments/x", "/experiments/x/start", "/experiments/x/stop", "/experiment-so-far/x"):
        assert visitor.get(path).status_code == 404
    for path in ("/experiments/x/start", "/experiments/x/stop"):
        assert visitor.send(path, {}).status_code == 404
    assert visitor.get("/experiments?sort=colour").status_code == 400


@pytest.mark.usefixtures("store")
def test_without_a_log_the_plan_is_still_told(admin: Admin, shop: Shop, clock: Clock, key: Key, tmp_path: Path) -> None:
    """Arms and state, and no figure made up; nor does the second look know any traffic."""
    fronts = console_fronts(Settings(directory=tmp_path / "elsewhere"), b"a secret of tests")
    visitor = Browser(create_app(shop, OPTIONS, admin=admin, clock=clock, fronts=fronts))
    visitor.sign_in(key()[1])
    one = visitor.get("/experiments/plan")
    assert one.status_code == 200
    assert "as the installation is" in one.text
    assert "Verdict" not in one.text
    assert "is not known" in visitor.get("/experiments/rules/start").text
